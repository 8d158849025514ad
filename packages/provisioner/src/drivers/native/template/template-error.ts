import { ProvisionError } from '../../../driver.ts'

/** The file that defines a native template. */
export const templateFileName = 'template.yaml'

/** A problem in a template and its place. Lines and columns count from 1. */
export interface TemplateProblem {
  readonly line: number
  readonly column: number
  /** Says what is wrong and what to do. */
  readonly message: string
}

const maxListed = 25

/**
 * Thrown for an invalid template. The message has a line `template.yaml:LINE:COLUMN: …` for each
 * problem, in the order of the file.
 */
export class TemplateError extends ProvisionError {
  readonly problems: readonly TemplateProblem[]

  constructor(problems: readonly TemplateProblem[]) {
    const sorted = [...problems].sort((one, other) => one.line - other.line || one.column - other.column)
    const lines = sorted.slice(0, maxListed).map(({ line, column, message }) => `${templateFileName}:${line}:${column}: ${message}`)
    if (sorted.length > maxListed) lines.push(`and ${sorted.length - maxListed} more`)
    super(lines.join('\n'))
    this.name = 'TemplateError'
    this.problems = sorted
  }
}
