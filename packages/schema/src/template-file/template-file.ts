import { Type, type Static } from '@sinclair/typebox'
import { Filled, FilledScalar, closed } from './filled-text.ts'
import { templateRuntimeBlocks, templateRuntimes } from './template-runtimes.ts'

const Icon = () => Type.String({ maxLength: 256, description: 'Address or path of a picture.' })

/** One of the values a parameter may have. */
export const TemplateParameterOption = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, description: 'What people see.' }),
    value: Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
      description: "What the parameter's value is then. Of the parameter's type.",
    }),
    description: Type.Optional(Type.String({ maxLength: 256, description: 'What the choice means.' })),
    icon: Type.Optional(Icon()),
  },
  { ...closed, title: 'TemplateParameterOption', description: 'One of the values a parameter may have.' },
)
export type TemplateParameterOption = Static<typeof TemplateParameterOption>

/** What a parameter's value must be like, beside its type. */
export const TemplateParameterValidation = Type.Object(
  {
    regex: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description: 'For text: a regular expression (JavaScript) that must be found in the value.',
      }),
    ),
    error: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Said when the value is not accepted.' })),
    min: Type.Optional(Type.Number({ description: 'For numbers: the least value.' })),
    max: Type.Optional(Type.Number({ description: 'For numbers: the greatest value.' })),
  },
  { ...closed, title: 'TemplateParameterValidation', description: "What a parameter's value must be like, beside its type." },
)
export type TemplateParameterValidation = Static<typeof TemplateParameterValidation>

/** Something that whoever creates a workspace may choose. */
export const TemplateParameter = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-zA-Z_][a-zA-Z0-9_-]*$',
      maxLength: 64,
      description: 'How the parameter is referred to: ${{ parameters.name }}. Letters, digits, "_" and "-".',
    }),
    type: Type.Optional(
      Type.Union([Type.Literal('string'), Type.Literal('number'), Type.Literal('bool')], {
        description: 'The type of the value: string (the default), number or bool.',
      }),
    ),
    default: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
        description:
          "The value where none is given, of the parameter's type. Without it a value must be given when the template is pushed.",
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 8192, description: 'What the parameter is for.' })),
    options: Type.Optional(
      Type.Array(TemplateParameterOption, {
        minItems: 1,
        maxItems: 128,
        description: 'The only values that are accepted. Without it any value is.',
      }),
    ),
    validation: Type.Optional(TemplateParameterValidation),
    scope: Type.Optional(
      Type.Union([Type.Literal('workspace'), Type.Literal('template')], {
        description:
          'Who gives the value: workspace, whoever creates a workspace (the default); template, whoever pushes the template, for all its workspaces.',
      }),
    ),
    mutable: Type.Optional(Type.Boolean({ description: 'Whether the value may change after the workspace was created. Default true.' })),
    sensitive: Type.Optional(Type.Boolean({ description: 'Whether the value is a secret, which is never shown again. Default false.' })),
  },
  { ...closed, title: 'TemplateParameter', description: 'Something that whoever creates a workspace may choose.' },
)
export type TemplateParameter = Static<typeof TemplateParameter>

/** How the health of an app is asked for. */
export const TemplateAppHealthcheck = Type.Object(
  {
    url: Filled('Asked for inside the workspace; any answer below status 500 is healthy.'),
    interval: Type.Integer({ minimum: 1, maximum: 86_400, description: 'Seconds between two questions.' }),
    threshold: Type.Integer({ minimum: 1, maximum: 1_000, description: 'Failures in a row that make the app unhealthy.' }),
  },
  { ...closed, title: 'TemplateAppHealthcheck', description: 'How the health of an app is asked for.' },
)
export type TemplateAppHealthcheck = Static<typeof TemplateAppHealthcheck>

/** Something an agent serves to people. */
export const TemplateApp = Type.Object(
  {
    slug: Type.String({
      pattern: '^[a-z0-9](-?[a-z0-9])*$',
      maxLength: 64,
      description: 'Names the app in addresses: lower-case letters and digits, with single hyphens between them. Unique in the template.',
    }),
    display_name: Type.Optional(Filled('What people see. The slug by default.')),
    icon: Type.Optional(Filled('Address or path of a picture.', { maxLength: 256 })),
    url: Type.Optional(Filled('What is opened: an address inside the workspace, such as http://localhost:8080. Excludes command.')),
    command: Type.Optional(Filled('What is run in a terminal. Excludes url.')),
    subdomain: Type.Optional(Type.Boolean({ description: 'Serve the app below a host name of its own instead of a path. Default false.' })),
    share: Type.Optional(
      Type.Union([Type.Literal('owner'), Type.Literal('authenticated'), Type.Literal('public')], {
        description: 'Who may open the app: its owner (the default), everyone signed in, everyone.',
      }),
    ),
    external: Type.Optional(Type.Boolean({ description: 'The browser opens the url itself, without a proxy. Default false.' })),
    healthcheck: Type.Optional(TemplateAppHealthcheck),
  },
  { ...closed, title: 'TemplateApp', description: 'Something an agent serves to people: a web page, or a command in a terminal.' },
)
export type TemplateApp = Static<typeof TemplateApp>

/** The process that makes a workspace usable. */
export const TemplateAgent = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-zA-Z0-9](-?[a-zA-Z0-9])*$',
      maxLength: 32,
      description: 'Names the agent: letters and digits, with single hyphens between them. Unique in the template.',
    }),
    os: Type.Optional(
      Type.Union([Type.Literal('linux'), Type.Literal('darwin'), Type.Literal('windows')], {
        description: "The operating system inside. The machine's own by default.",
      }),
    ),
    arch: Type.Optional(
      Type.Union([Type.Literal('amd64'), Type.Literal('arm64'), Type.Literal('armv7')], {
        description: "The processor inside. The machine's own by default.",
      }),
    ),
    directory: Type.Optional(Filled('Where shells start. The home directory by default.')),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' }), FilledScalar('The value of the variable.'), {
        description: 'Environment variables of everything that runs in the workspace.',
      }),
    ),
    startup_script: Type.Optional(
      Filled('A shell script run each time the workspace starts. Hand values to it by env, which needs no quoting.', { maxLength: 65_536 }),
    ),
    connection_timeout: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400,
        description: 'Seconds after which an agent that never connected counts as timed out; 0 never. Default 120.',
      }),
    ),
    troubleshooting_url: Type.Optional(Filled('Where people find help when the agent does not connect.')),
    motd_file: Type.Optional(Filled('A file inside the workspace that is shown when someone signs in.')),
    apps: Type.Optional(Type.Array(TemplateApp, { maxItems: 64, description: 'What the agent serves to people.' })),
  },
  { ...closed, title: 'TemplateAgent', description: 'The process that makes a workspace usable: terminal, SSH and apps go through it.' },
)
export type TemplateAgent = Static<typeof TemplateAgent>

/** A fact shown on the workspace. */
export const TemplateMetadata = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 1024, description: 'What the fact is called. Unique in the template.' }),
    value: FilledScalar('The fact.'),
    sensitive: Type.Optional(Type.Boolean({ description: 'Hidden until asked for. Default false.' })),
  },
  { ...closed, title: 'TemplateMetadata', description: 'A fact shown on the workspace.' },
)
export type TemplateMetadata = Static<typeof TemplateMetadata>

/** A native template: what its `template.yaml` may hold. Exactly one runtime block must be there. */
export const TemplateFile = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: '^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$',
        maxLength: 32,
        description: 'Names what the template makes: letters and digits, with single hyphens between them. "workspace" by default.',
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 128, description: 'What the template is for, in one line.' })),
    icon: Type.Optional(Icon()),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { maxItems: 16, description: 'Words by which the template is found.' }),
    ),
    parameters: Type.Optional(
      Type.Array(TemplateParameter, {
        maxItems: 64,
        description: 'What whoever creates a workspace may choose, in the order it is asked for.',
      }),
    ),
    ...Type.Partial(Type.Object(templateRuntimeBlocks)).properties,
    agents: Type.Array(TemplateAgent, { minItems: 1, maxItems: 8, description: 'The processes that make the workspace usable.' }),
    metadata: Type.Optional(Type.Array(TemplateMetadata, { maxItems: 64, description: 'Facts shown on the workspace.' })),
    daily_cost: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_147_483_647,
        description: "Credits a day against the owner's quota while the workspace runs. Default 0.",
      }),
    ),
  },
  {
    ...closed,
    title: 'TemplateFile',
    description: "A native template of Berth: the file template.yaml at the root of a template's folder.",
  },
)
export type TemplateFile = Static<typeof TemplateFile>

/** The schema of `template.yaml` as plain JSON Schema (draft 2020-12), for editors. */
export function templateFileJsonSchema(): Record<string, unknown> {
  const schema: Record<string, unknown> = JSON.parse(JSON.stringify(TemplateFile)) // leaves TypeBox's symbols behind
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...schema,
    oneOf: templateRuntimes.map((runtime) => ({ required: [runtime] })),
  }
}
