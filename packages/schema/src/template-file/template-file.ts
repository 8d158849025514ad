import { Type, type Static } from '@sinclair/typebox'
import { Filled, FilledScalar, closed } from './filled-text.ts'
import { templateRuntimeBlocks, templateRuntimes } from './template-runtimes.ts'

/** How long an agent may take to connect if its template doesn't say. */
export const defaultConnectionTimeoutSeconds = 120

const Icon = () => Type.String({ maxLength: 256, description: 'URL or path of an image.' })

/** One of the values that a parameter may have. */
export const TemplateParameterOption = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64, description: 'Displayed name.' }),
    value: Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
      description: "Value of the parameter if this option is chosen. Must have the parameter's type.",
    }),
    description: Type.Optional(Type.String({ maxLength: 256, description: 'Explanation of the option.' })),
    icon: Type.Optional(Icon()),
  },
  { ...closed, title: 'TemplateParameterOption', description: 'One of the values that a parameter may have.' },
)
export type TemplateParameterOption = Static<typeof TemplateParameterOption>

/** Constraints on a parameter's value in addition to its type. */
export const TemplateParameterValidation = Type.Object(
  {
    regex: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description:
          'For strings: a regular expression that the value must contain a match for, in the syntax of RE2. It has no look-around and no back-references, and writes a code point as \\x{20ac}.',
      }),
    ),
    error: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Error text for an invalid value.' })),
    min: Type.Optional(Type.Number({ description: 'For numbers: the minimum.' })),
    max: Type.Optional(Type.Number({ description: 'For numbers: the maximum.' })),
  },
  { ...closed, title: 'TemplateParameterValidation', description: "Constraints on a parameter's value in addition to its type." },
)
export type TemplateParameterValidation = Static<typeof TemplateParameterValidation>

/** A value that users choose when they create a workspace. */
export const TemplateParameter = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-zA-Z_][a-zA-Z0-9_-]*$',
      maxLength: 64,
      description: 'Name of the parameter, used in references: ${{ parameters.name }}. Letters, digits, "_" and "-".',
    }),
    type: Type.Optional(
      Type.Union([Type.Literal('string'), Type.Literal('number'), Type.Literal('bool')], {
        description: 'Type of the value: string (the default), number or bool.',
      }),
    ),
    default: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
        description: "Default value, of the parameter's type. A parameter without one needs a value when the template is pushed.",
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 8192, description: 'Explanation of the parameter.' })),
    options: Type.Optional(
      Type.Array(Type.Union([TemplateParameterOption, Type.String(), Type.Number(), Type.Boolean()]), {
        minItems: 1,
        maxItems: 128,
        description:
          'The accepted values. An option is a plain value, or a map of a name and a value. Without options, any value is accepted.',
      }),
    ),
    validation: Type.Optional(TemplateParameterValidation),
    scope: Type.Optional(
      Type.Union([Type.Literal('workspace'), Type.Literal('template')], {
        description:
          'Who sets the value. workspace (the default): the user who creates a workspace. template: the user who pushes the template, for all its workspaces.',
      }),
    ),
    mutable: Type.Optional(Type.Boolean({ description: 'Whether the value may change after the workspace is created. Default: true.' })),
    sensitive: Type.Optional(Type.Boolean({ description: 'Whether the value is a secret that is never shown. Default: false.' })),
  },
  { ...closed, title: 'TemplateParameter', description: 'A value that users choose when they create a workspace.' },
)
export type TemplateParameter = Static<typeof TemplateParameter>

/** The health check of an app. */
export const TemplateAppHealthcheck = Type.Object(
  {
    url: Filled('URL to request from inside the workspace. Any status below 500 is healthy.'),
    interval: Type.Integer({ minimum: 1, maximum: 86_400, description: 'Seconds between checks.' }),
    threshold: Type.Integer({ minimum: 1, maximum: 1_000, description: 'Consecutive failures that make the app unhealthy.' }),
  },
  { ...closed, title: 'TemplateAppHealthcheck', description: 'The health check of an app.' },
)
export type TemplateAppHealthcheck = Static<typeof TemplateAppHealthcheck>

/** A web page or a terminal command that an agent offers to users. */
export const TemplateApp = Type.Object(
  {
    slug: Type.String({
      pattern: '^[a-z0-9](-?[a-z0-9])*$',
      maxLength: 64,
      description: 'Name of the app in URLs: lower-case letters and digits, with single hyphens between them. Unique in the template.',
    }),
    display_name: Type.Optional(Filled('Displayed name. Default: the slug.')),
    icon: Type.Optional(Filled('URL or path of an image.', { maxLength: 256 })),
    url: Type.Optional(Filled('URL to open, inside the workspace, for example http://localhost:8080. Not together with command.')),
    command: Type.Optional(Filled('Command to run in a terminal. Not together with url.')),
    subdomain: Type.Optional(Type.Boolean({ description: 'Whether the app has its own subdomain instead of a path. Default: false.' })),
    share: Type.Optional(
      Type.Union([Type.Literal('owner'), Type.Literal('authenticated'), Type.Literal('public')], {
        description: 'Who may open the app: its owner (the default), any signed-in user, or anyone.',
      }),
    ),
    external: Type.Optional(
      Type.Boolean({ description: 'Whether the browser opens the url directly, without the proxy. Default: false.' }),
    ),
    healthcheck: Type.Optional(TemplateAppHealthcheck),
  },
  { ...closed, title: 'TemplateApp', description: 'A web page or a terminal command that an agent offers to users.' },
)
export type TemplateApp = Static<typeof TemplateApp>

/** The process that makes a workspace usable: it serves terminals, SSH and apps. */
export const TemplateAgent = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-zA-Z0-9](-?[a-zA-Z0-9])*$',
      maxLength: 32,
      description: 'Name of the agent: letters and digits, with single hyphens between them. Unique in the template.',
    }),
    os: Type.Optional(
      Type.Union([Type.Literal('linux'), Type.Literal('darwin'), Type.Literal('windows')], {
        description: "Operating system of the agent. Default: the machine's.",
      }),
    ),
    arch: Type.Optional(
      Type.Union([Type.Literal('amd64'), Type.Literal('arm64'), Type.Literal('armv7')], {
        description: "Processor architecture of the agent. Default: the machine's.",
      }),
    ),
    directory: Type.Optional(Filled('Directory in which shells start. Default: the home directory.')),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' }), FilledScalar('Value of the variable.'), {
        description: 'Environment variables for all processes in the workspace.',
      }),
    ),
    startup_script: Type.Optional(
      Filled('Shell script to run each time the workspace starts. Pass values in env, where they need no quoting.', { maxLength: 65_536 }),
    ),
    connection_timeout: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400,
        description: `Seconds before an agent that has not connected counts as timed out. 0: never. Default: ${defaultConnectionTimeoutSeconds}.`,
      }),
    ),
    troubleshooting_url: Type.Optional(Filled('URL with help for users when the agent does not connect.')),
    motd_file: Type.Optional(Filled('File in the workspace whose text is shown when a user logs in.')),
    apps: Type.Optional(Type.Array(TemplateApp, { maxItems: 64, description: 'Apps that the agent offers to users.' })),
  },
  { ...closed, title: 'TemplateAgent', description: 'The process that makes a workspace usable: it serves terminals, SSH and apps.' },
)
export type TemplateAgent = Static<typeof TemplateAgent>

/** A fact shown on the page of a workspace. */
export const TemplateMetadata = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 1024, description: 'Name of the fact. Unique in the template.' }),
    value: FilledScalar('Value of the fact.'),
    sensitive: Type.Optional(Type.Boolean({ description: 'Whether the value is hidden until a user asks for it. Default: false.' })),
  },
  { ...closed, title: 'TemplateMetadata', description: 'A fact shown on the page of a workspace.' },
)
export type TemplateMetadata = Static<typeof TemplateMetadata>

/**
 * The content of a native template's `template.yaml`. It must contain exactly one runtime block.
 */
export const TemplateFile = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: '^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$',
        maxLength: 32,
        description: 'Name of the resource in a workspace: letters and digits, with single hyphens between them. Default: "workspace".',
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 128, description: 'One line that says what the template is for.' })),
    icon: Type.Optional(Icon()),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { maxItems: 16, description: 'Keywords for finding the template.' }),
    ),
    parameters: Type.Optional(
      Type.Array(TemplateParameter, {
        maxItems: 64,
        description: 'Values that users choose, in the order in which they are asked for.',
      }),
    ),
    ...Type.Partial(Type.Object(templateRuntimeBlocks)).properties,
    agents: Type.Array(TemplateAgent, { minItems: 1, maxItems: 8, description: 'The agents of the workspace.' }),
    metadata: Type.Optional(Type.Array(TemplateMetadata, { maxItems: 64, description: 'Facts shown on the page of the workspace.' })),
    daily_cost: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_147_483_647,
        description: "Credits that a running workspace takes from its owner's quota each day. Default: 0.",
      }),
    ),
  },
  {
    ...closed,
    title: 'TemplateFile',
    description: "A native template of Berth: the file template.yaml in the root of a template's folder.",
  },
)
export type TemplateFile = Static<typeof TemplateFile>

/** Returns the schema of `template.yaml` as plain JSON Schema (draft 2020-12), for editors. */
export function templateFileJsonSchema(): Record<string, unknown> {
  const schema: Record<string, unknown> = JSON.parse(JSON.stringify(TemplateFile)) // leaves TypeBox's symbols behind
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...schema,
    oneOf: templateRuntimes.map((runtime) => ({ required: [runtime] })),
  }
}
