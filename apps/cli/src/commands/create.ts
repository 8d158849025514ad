import { ApiError, type Client } from '@berth/sdk'
import type { Template } from '@berth/schema'
import { askParameters } from '../parameters/ask-parameters.ts'
import { waitForBuild } from '../workspaces/build-workspace.ts'
import { defineCommand, optionalWord } from '../command.ts'
import type { Context } from '../context.ts'
import { describeDuration, hourMs, parseDuration } from '../durations.ts'
import { CommandError } from '../failures.ts'
import { outputFlag, parsed, text, yesFlag } from '../flags.ts'
import { nameFault } from '../name-fault.ts'
import { currentOrganization } from '../organization.ts'
import { readParameterFile } from '../parameters/parameter-file.ts'
import { readSchedule } from './schedule/start.ts'
import { announceReady } from '../ssh/announce-ready.ts'
import { findTemplate } from '../templates/find-template.ts'

const defaultStopAfterMs = 8 * hourMs

export const create = defineCommand({
  summary: 'Create a workspace',
  args: { name: optionalWord('Name of the workspace') },
  flags: {
    template: text('Template to create it from', { short: 't', variable: 'TEMPLATE_NAME', placeholder: 'name', completes: 'templates' }),
    parameterFile: text('YAML or JSON file with parameter values', { variable: 'PARAMETER_FILE', placeholder: 'file' }),
    startAt: text('When to start automatically, such as "9:30AM Mon-Fri Europe/Dublin"', {
      variable: 'WORKSPACE_START_AT',
      placeholder: 'schedule',
    }),
    stopAfter: parsed<number>("How long to run before stopping automatically; 0 for the template's default", {
      read: parseDuration,
      defaultValue: defaultStopAfterMs,
      shownDefault: describeDuration(defaultStopAfterMs),
      variable: 'WORKSPACE_STOP_AFTER',
      placeholder: 'duration',
    }),
    yes: yesFlag,
    output: outputFlag,
  },
  examples: ['create dev', 'create dev --template local-starter --stop-after 10h -y'],
  async run(input, context) {
    const { client, clock, terminal } = context
    const schedule = input.startAt === undefined ? null : readSchedule(input.startAt.trim().split(/\s+/), clock.timeZone)
    const values = await readParameterFile(input.parameterFile)
    const organization = await currentOrganization(client)
    const name = await chooseName(input.name, context)
    const template = await chooseTemplate(input.template, organization.id, context)
    const schemas = await client.templateVersions.schema({ params: { templateversion: template.active_version_id } })
    const overridable = schemas.filter((schema) => schema.allow_override_source)
    const parameter_values = await askParameters(overridable, { values, takeDefaults: input.yes, terminal })
    if (!input.yes) await terminal.prompts.confirm({ message: `Create ${name} from the template ${template.name}?` })
    const workspace = await client.workspaces.create({
      params: { organization: organization.id, user: 'me' },
      body: {
        template_id: template.id,
        name,
        autostart_schedule: schedule,
        ttl_ms: input.stopAfter,
        parameter_values,
      },
    })
    await waitForBuild(workspace.latest_build, context)
    await announceReady(workspace.id, { words: name, output: input.output }, context)
  },
})

const workspaceNameFault = (name: string): string | undefined => nameFault('workspace', name)

async function chooseName(given: string | undefined, { client, terminal }: Context): Promise<string> {
  const name =
    given ??
    (await terminal.prompts.text({ message: 'Name of the workspace', flag: 'the name as an argument', validate: workspaceNameFault }))
  const wrong = workspaceNameFault(name)
  if (wrong !== undefined) throw new CommandError(wrong)
  if (await exists(client, name))
    throw new CommandError(`You already have a workspace "${name}".`, { help: `Open it with 'berth ssh ${name}'.` })
  return name
}

async function exists(client: Client, name: string): Promise<boolean> {
  try {
    await client.workspaces.getByOwnerAndName({ params: { user: 'me', workspacename: name } })
    return true
  } catch (error) {
    if (ApiError.is(error, 404)) return false
    throw error
  }
}

async function chooseTemplate(given: string | undefined, organization: string, { client, terminal }: Context): Promise<Template> {
  if (given !== undefined) {
    const template = await findTemplate(client, organization, given)
    if (template === undefined) throw new CommandError(`There is no template "${given}".`, { help: "See 'berth templates list'." })
    return template
  }
  const templates = await client.templates.list({ params: { organization } })
  const [first, second] = templates
  if (first === undefined) {
    throw new CommandError('There are no templates yet.', {
      help: "Start with 'berth templates init local-starter', then run 'berth templates create'.",
    })
  }
  if (second === undefined) return first
  const id = await terminal.prompts.choose({
    message: 'Template',
    flag: '--template',
    choices: templates.map((template) => ({ value: template.id, label: template.name, hint: template.description })),
  })
  return templates.find((template) => template.id === id) ?? first
}
