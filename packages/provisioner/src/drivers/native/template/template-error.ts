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

/** After this many problems, reading a template ends: nobody reads more. */
const maxProblems = 200

/**
 * Thrown for an invalid template. The message has a line `template.yaml:LINE:COLUMN: …` for each
 * problem, in the order of the file.
 */
export class TemplateError extends ProvisionError {
  readonly problems: readonly TemplateProblem[]

  constructor(problems: readonly TemplateProblem[]) {
    const sorted = [...problems].sort((one, other) => one.line - other.line || one.column - other.column)
    const lines = sorted
      .slice(0, maxListed)
      .map(({ line, column, message }) => `${templateFileName}:${line}:${column}: ${onOneLine(message)}`)
    const unlisted = sorted.length - maxListed
    if (unlisted > 0) lines.push(sorted.length < maxProblems ? `and ${unlisted} more` : `and at least ${unlisted} more`)
    super(lines.join('\n'))
    this.name = 'TemplateError'
    this.problems = sorted
  }
}

/**
 * Adds a problem to those found so far. Throws {@link TemplateError} when there are too many to go
 * on, because a file can hold one at every other character.
 */
export function addProblem(problems: TemplateProblem[], problem: TemplateProblem): void {
  problems.push(problem)
  if (problems.length === maxProblems) throw new TemplateError(problems)
}

function onOneLine(message: string): string {
  return message.replaceAll(/[\n\r]+/g, ' ')
}
