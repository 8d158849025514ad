import { ApiError, type Client } from '@berth/sdk'
import type { Template } from '@berth/schema'
import { isName } from '@berth/schema/rules'
import { askParameters } from '../ask-parameters.ts'
import { waitForBuild } from '../build-workspace.ts'
import { defineCommand, optionalWord, outputFlag, parsed, text, yesFlag } from '../command.ts'
import type { Context } from '../context.ts'
import { parseDuration } from '../durations.ts'
import { CommandError } from '../failures.ts'
import { currentOrganization } from '../organization.ts'
import { readParameterFile } from '../parameter-file.ts'
import { readSchedule } from './schedule/start.ts'
import { announceReady } from '../ssh/announce-ready.ts'

const eightHoursMs = 8 * 3_600_000

export const create = defineCommand({
  summary: 'Create a workspace',
  args: { name: optionalWord('Its name') },
  flags: {
    template: text('Name of the template', { short: 't', variable: 'TEMPLATE_NAME', placeholder: 'name', completes: 'templates' }),
    parameterFile: text('File with values for the parameters', { variable: 'PARAMETER_FILE', placeholder: 'file' }),
    startAt: text('Start it by itself, as "9:30AM Mon-Fri Europe/Dublin"', { variable: 'WORKSPACE_START_AT', placeholder: 'schedule' }),
    stopAfter: parsed<number>('Stop it by itself after so long; 0 to leave that to the template (default 8h)', {
      read: parseDuration,
      defaultValue: eightHoursMs,
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

async function chooseName(given: string | undefined, { client, terminal }: Context): Promise<string> {
  const name =
    given ?? (await terminal.prompts.text({ message: 'Name of the workspace', flag: 'the name as an argument', validate: nameFault }))
  const wrong = nameFault(name)
  if (wrong !== undefined) throw new CommandError(wrong)
  if (await exists(client, name))
    throw new CommandError(`You have a workspace "${name}" already.`, { help: `Open it with 'berth ssh ${name}'.` })
  return name
}

function nameFault(name: string): string | undefined {
  return isName(name)
    ? undefined
    : `"${name}" can't be the name of a workspace: up to 32 letters and digits, with single hyphens between them.`
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
    try {
      return await client.templates.getByName({ params: { organization, templatename: given } })
    } catch (error) {
      if (!ApiError.is(error, 404)) throw error
      throw new CommandError(`There is no template "${given}".`, { help: "See 'berth templates list'.", cause: error })
    }
  }
  const templates = await client.templates.list({ params: { organization } })
  const [first, second] = templates
  if (first === undefined) {
    throw new CommandError('There are no templates yet.', {
      help: "Begin with 'berth templates init local-starter' and 'berth templates create'.",
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
