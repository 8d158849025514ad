import type { TSchema } from '@sinclair/typebox'
import type { ValidationRule } from '../wire.ts'

/** A JSON Schema as plain keywords. TypeBox schemas have this shape. */
export interface PlainSchema {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly examples?: readonly unknown[]
  readonly anyOf?: readonly PlainSchema[]
  readonly items?: PlainSchema
  readonly properties?: Readonly<Record<string, PlainSchema>>
  readonly required?: readonly string[]
  readonly rules?: readonly ValidationRule[]
}

/** Words that examples prefer, because they show the usual state. */
const preferredWords: readonly unknown[] = ['succeeded', 'connected', 'running', 'active', 'healthy', 'info', 'data', 'none', 'berth']

/** Optional scalar properties that examples include. */
const shownOptional = new Set(['started_at', 'completed_at', 'first_connected_at', 'last_connected_at'])

/** Example names, by noun. */
const names: Readonly<Record<string, string>> = {
  agent: 'main',
  app: 'code',
  build: 'start',
  organization: 'acme',
  parameter_schema: 'region',
  resource: 'main',
  template: 'starter',
  template_version: 'brave-turing1',
  user: 'ada',
  workspace: 'dev',
}

/** Example texts, by property or by noun and property. */
const texts: Readonly<Record<string, string>> = {
  'app.display_name': 'Code',
  'generate_apikey_response.key': 'fzQ2vVwYbT-VhRt0pWqNzKc3sLmYd8JxE',
  'role.display_name': 'Owner',
  'role.name': 'owner',
  architecture: 'amd64',
  avatar_url: '',
  deadline: '2022-12-19T18:00:00Z',
  description: '',
  directory: '/home/ada',
  display_name: 'Starter',
  email: 'ada@example.com',
  error: '',
  external_url: 'https://berth.example.com/docs',
  icon: '',
  key: 'cpus',
  message: 'Done.',
  motd_file: '',
  operating_system: 'linux',
  output: 'Starting the workspace…',
  password: 'correct horse battery',
  readme: '# Starter',
  session_token: 'fzQ2vVwYbT-VhRt0pWqNzKc3sLmYd8JxE',
  slug: 'code',
  source_value: 'eu-west',
  stage: 'Starting workspace',
  startup_script: '',
  template_display_name: 'Starter',
  template_icon: '',
  troubleshooting_url: '',
  type: 'local',
  url: 'http://localhost:8080',
  username: 'ada',
  value: '2',
  version: 'v0.13.4+berth.0.1.0',
  vscode_port_proxy_uri: '',
}

/** Other names for a noun. Examples use one ID and one name for all of them. */
const aliases: Readonly<Record<string, string>> = {
  active_version: 'template_version',
  created_by: 'user',
  initiator: 'user',
  owner: 'user',
  template_version_creator: 'user',
  workspace_owner: 'user',
}

interface Place {
  /** The surrounding object: `workspace` for the schema titled Workspace. */
  readonly noun: string
  /** The property that holds the value. */
  readonly key: string
}

/**
 * Returns an example of a schema: the first of its `examples`, or else one derived from the names
 * of its properties. The same schema always gives the same example. IDs agree with each other
 * (`workspace_id` is the `id` of the Workspace). Optional scalars are left out.
 */
export function exampleOf(schema: TSchema | PlainSchema): unknown {
  return valueOf(schema, { noun: '', key: '' })
}

function valueOf(schema: PlainSchema, place: Place): unknown {
  if (schema.examples !== undefined) return structuredClone(schema.examples[0])
  if ('const' in schema) return schema.const
  if (schema.enum !== undefined) return preferredWords.find((word) => schema.enum?.includes(word)) ?? schema.enum[0]
  if (schema.anyOf !== undefined) return valueOf(schema.anyOf[0] ?? {}, place)
  switch (schema.type) {
    case 'object':
      return objectOf(schema, place)
    case 'array':
      return [valueOf(schema.items ?? {}, place)]
    case 'integer':
    case 'number':
      return schema.minimum ?? (place.key === 'id' || place.key === 'count' ? 1 : 0)
    case 'boolean':
      return false
    case 'string':
      return textOf(schema, place)
    default:
      return null
  }
}

function objectOf(schema: PlainSchema, place: Place): Record<string, unknown> {
  const noun = schema.title === undefined ? place.noun : nounOf(schema.title)
  const required = new Set(schema.required)
  const shown = Object.entries(schema.properties ?? {}).filter(([key, property]) => {
    return required.has(key) || shownOptional.has(key) || isComposite(property)
  })
  return Object.fromEntries(shown.map(([key, property]) => [key, valueOf(property, { noun, key })]))
}

function isComposite(schema: PlainSchema): boolean {
  return schema.type === 'object' || schema.type === 'array' || (schema.anyOf ?? []).some(isComposite)
}

function textOf(schema: PlainSchema, { noun, key }: Place): string {
  switch (schema.format) {
    case 'uuid':
      return uuidOf(thing(key === 'id' ? noun : key.replace(/_ids?$/, '')))
    case 'date-time':
      return texts[key] ?? '2022-12-19T10:00:00.12Z'
    case 'byte':
      return 'aGVsbG8='
    default: {
      const named = thing(key === 'name' ? noun : key.replace(/_?name$/, ''))
      return texts[`${noun}.${key}`] ?? texts[key] ?? names[named] ?? 'example'
    }
  }
}

function thing(alias: string): string {
  return aliases[alias] ?? alias
}

/**
 * Returns the noun that `…_id` properties use: `WorkspaceBuild` → `build`, `TemplateVersion` →
 * `template_version`, `ProvisionerJob` → `job`.
 */
function nounOf(title: string): string {
  const words = title.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
  return words
    .replace(/^(?:create_|update_|post_|put_)/, '')
    .replace(/_request$/, '')
    .replace(/^(?:workspace|provisioner)_/, '')
}

/** Returns a version 4 UUID derived from a seed. */
function uuidOf(seed: string): string {
  let state = 0x811c9dc5
  const hex = Array.from({ length: 32 }, (_, index) => {
    for (const character of `${seed}${index}`) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193) >>> 0
    return ((state >>> 16) & 15).toString(16)
  }).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}
