import { UsageError } from '../failures.ts'
import { displayWidth, safeText } from './safe-text.ts'

/** A column of a table: its name in `--column`, and its cell in a row. */
export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => string
  /** Shown only if chosen by name. */
  readonly optional?: boolean
}

/**
 * Chooses columns by name, ignoring case, with `_` for a space. Without names, chooses all that
 * aren't optional.
 */
export function chooseColumns<Row>(columns: readonly Column<Row>[], names: readonly string[]): readonly Column<Row>[] {
  const wanted = names.flatMap((name) => name.split(',')).map((name) => name.trim().toLowerCase().replaceAll('_', ' '))
  if (wanted.length === 0) return columns.filter((column) => column.optional !== true)
  return wanted.map((name) => {
    const column = columns.find((candidate) => candidate.name === name)
    if (column) return column
    throw new UsageError(`There is no column "${name}". Use one of: ${columns.map((known) => known.name).join(', ')}.`)
  })
}

/**
 * Renders rows under upper-case headings, with two spaces between columns and none at the end of
 * lines.
 */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const lines = [
    columns.map((column) => column.name.toUpperCase()),
    ...rows.map((row) => columns.map((column) => safeText(column.cell(row)).replaceAll('\n', ' '))),
  ]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => displayWidth(line[index] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - displayWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
