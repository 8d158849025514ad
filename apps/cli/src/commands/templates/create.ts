import { resolve } from 'node:path'
import { ApiError, type Client } from '@berth/sdk'
import { defineCommand, list, optionalWord, outputFlag, parsed, text, yesFlag } from '../../command.ts'
import { parseDuration } from '../../durations.ts'
import { CommandError } from '../../failures.ts'
import { currentOrganization } from '../../organization.ts'
import { readParameterFile } from '../../parameter-file.ts'
import { importVersion, readTags } from '../../templates/import-version.ts'
import { openTemplateFolder, templateName } from '../../templates/template-folder.ts'
import { folderFlags } from '../../templates/folder-flags.ts'

const oneDayMs = 24 * 3_600_000

export const create = defineCommand({
  summary: 'Make a template out of a folder',
  args: { name: optionalWord('Its name; default: that of the folder') },
  flags: {
    ...folderFlags,
    defaultTtl: parsed<number>('Stop workspaces by themselves after so long, 0 for never, unless they say otherwise (default 24h)', {
      read: parseDuration,
      defaultValue: oneDayMs,
      placeholder: 'duration',
    }),
    parameterFile: text('File with values for the parameters of the template', { placeholder: 'file' }),
    provisionerTag: list('Import only where a provisioner has this tag, as key=value; can be repeated', { placeholder: 'tag' }),
    yes: yesFlag,
    output: outputFlag,
  },
  examples: ['templates create -d local-starter', 'templates create backend -d ./templates/backend --default-ttl 10h -y'],
  async run(input, context) {
    const { client, terminal, world } = context
    const folder = await openTemplateFolder(resolve(world.workingDirectory, input.directory), input.provisioner)
    const name = templateName(input.name, folder)
    const tags = readTags(input.provisionerTag)
    const values = await readParameterFile(input.parameterFile)
    const organization = await currentOrganization(client)
    if (await exists(client, organization.id, name)) {
      throw new CommandError(`There is a template "${name}" already.`, {
        help: `Make a new version of it with 'berth templates push ${name}'.`,
      })
    }
    if (!input.yes) await terminal.prompts.confirm({ message: `Upload ${folder.path} and make the template ${name} of it?` })
    const version = await importVersion({ organization: organization.id, folder, tags, values, takeDefaults: input.yes }, context)
    const template = await client.templates.create({
      params: { organization: organization.id },
      body: {
        name,
        template_version_id: version.id,
        default_ttl_ms: input.defaultTtl,
        allow_user_cancel_workspace_jobs: true,
      },
    })
    if (input.output === 'json') return terminal.printJson(template)
    terminal.print(`The template ${name} is ready. Make a workspace of it:`)
    terminal.print(`  berth create dev --template ${name}`)
  },
})

async function exists(client: Client, organization: string, templatename: string): Promise<boolean> {
  try {
    await client.templates.getByName({ params: { organization, templatename } })
    return true
  } catch (error) {
    if (ApiError.is(error, 404)) return false
    throw error
  }
}
