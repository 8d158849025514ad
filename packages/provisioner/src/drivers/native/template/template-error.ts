import { ProvisionError } from '../../../driver.ts'

/** The one file a native template consists of, beside its README and whatever it brings along. */
export const templateFileName = 'template.yaml'

/** Something wrong with a template, and where. Lines and columns count from 1. */
export interface TemplateProblem {
  readonly line: number
  readonly column: number
  /** What is wrong and what to do. */
  readonly message: string
}

const maxListed = 25

/** A template that can't be used. The text has a line `template.yaml:LINE:COLUMN: …` for each problem, in the order of the file. */
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
