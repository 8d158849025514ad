import { expect, test } from 'vitest'
import { renderTables, type CatalogColumn } from './generate-tables.ts'

const COLUMN: CatalogColumn = {
  table: 'user_things',
  column: 'thing',
  type: 'text',
  isArray: false,
  isNullable: false,
  hasDefault: false,
  isGenerated: false,
  labels: null,
}

test.each<[string, Partial<CatalogColumn>]>([
  ['thing: string', {}],
  ['thing: string | null', { isNullable: true }],
  ['thing: Generated<number>', { type: 'int8', hasDefault: true }],
  ['thing: Generated<Timestamp | null>', { type: 'timestamptz', isNullable: true, hasDefault: true }],
  ['thing: Computed<boolean>', { type: 'bool', hasDefault: true, isGenerated: true }],
  ['thing: Buffer', { type: 'bytea' }],
  ['thing: Json', { type: 'jsonb' }],
  ['thing: string[]', { isArray: true }],
  ['thing: string[]', { type: 'timestamptz', isArray: true }],
  ['thing: LogLevel', { type: 'log_level', labels: ['debug', 'info'] }],
  ['thing: LogLevel[]', { type: 'log_level', labels: ['debug', 'info'], isArray: true }],
])('a column is written as %s', (line, more) => {
  expect(renderTables([{ ...COLUMN, ...more }])).toContain(`export interface UserThingsTable {\n  ${line}\n}\n`)
})

test('an enum is a union of its labels, and a table is known by its name', () => {
  const source = renderTables([{ ...COLUMN, type: 'log_level', labels: ['info', 'debug'] }])
  expect(source).toContain(`export type LogLevel = 'info' | 'debug'\n`)
  expect(source).toContain('export interface Tables {\n  user_things: UserThingsTable\n}\n')
})

test.each<Partial<CatalogColumn>>([{ type: 'point' }, { type: 'jsonb', isArray: true }])(
  'a column of type %j is refused by name',
  (more) => {
    expect(() => renderTables([{ ...COLUMN, ...more }])).toThrow('user_things.thing')
  },
)
