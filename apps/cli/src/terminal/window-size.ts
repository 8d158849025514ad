import type { Output } from '../world.ts'

/** Size of a terminal that doesn't tell its own. */
export const defaultColumns = 80
export const defaultRows = 24

/** Width of help that goes to a pipe. */
const pipeHelpColumns = 100
/** Wider lines are hard to read. */
const maxHelpColumns = 140

/** Returns the width of help: the terminal's, unless that is too wide to read. */
export function helpColumns({ columns = pipeHelpColumns }: Output): number {
  return Math.min(columns, maxHelpColumns)
}
