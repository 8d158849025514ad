import type { Output } from '../world.ts'

/** Size of a terminal that doesn't tell its own. */
export const defaultColumns = 80
export const defaultRows = 24

/** Width of help that goes to a pipe. */
const pipeHelpColumns = 100
const minHelpColumns = 60
const maxHelpColumns = 140

/** Returns the width at which help is readable. */
export function helpColumns({ columns = pipeHelpColumns }: Output): number {
  return Math.max(minHelpColumns, Math.min(columns, maxHelpColumns))
}
