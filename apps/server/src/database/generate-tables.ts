import { Client } from 'pg'
import { connectionConfig } from './connection.ts'

/** One column as the catalog describes it. */
export interface CatalogColumn {
  readonly table: string
  readonly column: string
  /** The name of its type, or of the element type of an array. */
  readonly type: string
  readonly isArray: boolean
  readonly isNullable: boolean
  readonly hasDefault: boolean
  /** Whether only the database can write it. */
  readonly isGenerated: boolean
  /** The labels of an enum in order; null for other types. */
  readonly labels: string[] | null
}

const COLUMNS = `
  select class.relname as table, attribute.attname as column, type.typname as type, attribute.attndims > 0 or declared.typcategory = 'A' as "isArray",
    not attribute.attnotnull as "isNullable", attribute.atthasdef or attribute.attidentity <> '' as "hasDefault",
    attribute.attgenerated <> '' or attribute.attidentity = 'a' as "isGenerated",
    (select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = type.oid) as labels
  from pg_attribute attribute
  join pg_class class on class.oid = attribute.attrelid
  join pg_type declared on declared.oid = attribute.atttypid
  join pg_type type on type.oid = case when declared.typcategory = 'A' then declared.typelem else declared.oid end
  where class.relnamespace = current_schema()::regnamespace and class.relkind in ('r', 'p') and not class.relispartition
    and attribute.attnum > 0 and not attribute.attisdropped and class.relname <> 'schema_migrations'
  order by class.relname collate "C", attribute.attnum`

const HEADER = `// Generated from the migrations by apps/server/scripts/generate-tables.ts. Do not edit.

import type { ColumnType } from 'kysely'

/** A column with a default. */
export type Generated<Column> =
  Column extends ColumnType<infer Select, infer Insert, infer Update>
    ? ColumnType<Select, Insert | undefined, Update>
    : ColumnType<Column, Column | undefined, Column>

/** A column that only the database writes. */
export type Computed<Column> = ColumnType<Column, never, never>

/** Read as RFC 3339 text in UTC, with up to six fractional digits and no trailing zeros. */
export type Timestamp = ColumnType<string, string | Date, string | Date>

/** Read as the value, written as JSON text: the driver would write arrays as PostgreSQL arrays. */
export type Json = ColumnType<unknown, string, string>

/** Actions by the ID of a user or group; JSON as {@link Json}. */
export type AccessListJson = ColumnType<Readonly<Record<string, readonly string[]>>, string, string>
`

/** JSON columns whose shape the database and every writer guarantee. All others read as unknown. */
const JSON_SHAPES: Readonly<Record<string, string>> = {
  'templates.user_acl': 'AccessListJson',
  'templates.group_acl': 'AccessListJson',
}

const TYPES: Record<string, string> = {
  bool: 'boolean',
  ...Object.fromEntries(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'oid'].map((type) => [type, 'number'])),
  ...Object.fromEntries(['text', 'varchar', 'bpchar', 'name', 'uuid', 'inet', 'cidr', 'date', 'interval'].map((type) => [type, 'string'])),
  bytea: 'Buffer',
  json: 'Json',
  jsonb: 'Json',
  timestamptz: 'Timestamp',
}

/** Types whose arrays the driver reads as arrays of the same values. */
const ARRAY_ELEMENTS = new Set(['bool', 'int2', 'int4', 'int8', 'float8', 'text', 'varchar', 'uuid', 'bytea', 'timestamptz'])

/** Returns the source of `tables.gen.ts` for a migrated database. */
export async function generateTables(connectionUrl: string): Promise<string> {
  const client = new Client(connectionConfig(connectionUrl, { statementTimeoutMs: 0 }))
  await client.connect()
  try {
    return renderTables((await client.query<CatalogColumn>(COLUMNS)).rows)
  } finally {
    await client.end()
  }
}

/**
 * Returns an interface for each table, a union for each enum, and `Tables` with all tables by name.
 *
 * @throws Error that names a column whose type has no reading.
 */
export function renderTables(columns: readonly CatalogColumn[]): string {
  const enums = new Map(columns.flatMap(({ type, labels }) => (labels === null ? [] : [[type, labels] as const])))
  const tables = groupByTable(columns)
  const unions = [...enums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, labels]) => `export type ${pascalCase(name)} = ${labels.map((label) => `'${label}'`).join(' | ')}\n`)
  const interfaces = [...tables].map(
    ([name, members]) =>
      `export interface ${pascalCase(name)}Table {\n${members.map((column) => `  ${column.column}: ${columnType(column)}\n`).join('')}}\n`,
  )
  const all = [...tables.keys()].map((name) => `  ${name}: ${pascalCase(name)}Table\n`).join('')
  return [HEADER, ...unions, ...interfaces, `/** Every table by name. */\nexport interface Tables {\n${all}}\n`].join('\n')
}

function groupByTable(columns: readonly CatalogColumn[]): Map<string, CatalogColumn[]> {
  const tables = new Map<string, CatalogColumn[]>()
  for (const column of columns) tables.set(column.table, [...(tables.get(column.table) ?? []), column])
  return tables
}

function columnType(column: CatalogColumn): string {
  const value = valueType(column)
  const type = column.isNullable ? `${value} | null` : value
  if (column.isGenerated) return `Computed<${type}>`
  return column.hasDefault ? `Generated<${type}>` : type
}

function valueType({ table, column, type, isArray, labels }: CatalogColumn): string {
  if (labels !== null) return isArray ? `${pascalCase(type)}[]` : pascalCase(type)
  const known = JSON_SHAPES[`${table}.${column}`] ?? TYPES[type]
  if (known === undefined) throw new Error(`Column ${table}.${column} has the unknown type ${type}: add it to generate-tables.ts`)
  if (!isArray) return known
  if (!ARRAY_ELEMENTS.has(type))
    throw new Error(`Column ${table}.${column} is an array of the unknown element type ${type}: add it to generate-tables.ts`)
  return type === 'timestamptz' ? 'string[]' : `${known}[]`
}

function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
