import { resolve } from 'node:path'
import { defineCommand, optionalWord } from '../../command.ts'
import { dayMs, describeDuration, parseDuration } from '../../durations.ts'
import { CommandError } from '../../failures.ts'
import { list, outputFlag, parsed, text, yesFlag } from '../../flags.ts'
import { currentOrganization } from '../../organization.ts'
import { readParameterFile } from '../../parameters/parameter-file.ts'
import { findTemplate } from '../../templates/find-template.ts'
import { folderFlags } from '../../templates/folder-flags.ts'
import { importVersion, readTags } from '../../templates/import-version.ts'
import { openTemplateFolder, templateName } from '../../templates/template-folder.ts'

export const create = defineCommand({
  summary: 'Create a template from a folder',
  args: { name: optionalWord('Name of the template (default: the name of the folder)') },
  flags: {
    ...folderFlags,
    defaultTtl: parsed<number>('How long workspaces run before they stop automatically, unless they set their own; 0 for no limit', {
      read: parseDuration,
      defaultValue: dayMs,
      shownDefault: describeDuration(dayMs),
      placeholder: 'duration',
    }),
    parameterFile: text('YAML or JSON file with parameter values', { placeholder: 'file' }),
    provisionerTag: list('Tag that the provisioner must have, as key=value; can be repeated', { placeholder: 'tag' }),
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
    if ((await findTemplate(client, organization.id, name)) !== undefined) {
      throw new CommandError(`A template "${name}" already exists.`, {
        help: `Push a new version of it with 'berth templates push ${name}'.`,
      })
    }
    if (!input.yes) await terminal.prompts.confirm({ message: `Upload ${folder.path} and create the template ${name}?` })
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
    terminal.print(`The template ${name} is ready. Create a workspace with:`)
    terminal.print(`  berth create dev --template ${name}`)
  },
})
