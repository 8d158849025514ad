import { basename, resolve } from 'node:path'
import { ApiError, type Client } from '@berth/sdk'
import type { CreateParameterRequest, Template } from '@berth/schema'
import { defineCommand, list, optionalWord, outputFlag, text, toggle, yesFlag } from '../../command.ts'
import { CommandError } from '../../failures.ts'
import { currentOrganization } from '../../organization.ts'
import { readParameterFile } from '../../parameter-file.ts'
import { folderFlags } from '../../templates/folder-flags.ts'
import { importVersion, readTags } from '../../templates/import-version.ts'
import { openTemplateFolder } from '../../templates/template-folder.ts'

export const push = defineCommand({
  summary: 'Make a new version of a template out of a folder',
  args: { template: optionalWord('Name of the template; default: that of the folder', 'templates') },
  flags: {
    ...folderFlags,
    name: text('Name of the version; made up when left out', { placeholder: 'name' }),
    parameterFile: text('File with values for the parameters of the template', { placeholder: 'file' }),
    alwaysPrompt: toggle('Ask for all parameters again instead of keeping their values'),
    provisionerTag: list('Import only where a provisioner has this tag, as key=value; can be repeated', { placeholder: 'tag' }),
    yes: yesFlag,
    output: outputFlag,
  },
  examples: ['templates push local-starter -d local-starter', 'templates push backend --name with-node-22 -y'],
  async run(input, context) {
    const { client, terminal, world } = context
    const folder = await openTemplateFolder(resolve(world.workingDirectory, input.directory), input.provisioner)
    const tags = readTags(input.provisionerTag)
    const values = await readParameterFile(input.parameterFile)
    const organization = await currentOrganization(client)
    const template = await find(client, organization.id, input.template ?? basename(folder.path))
    if (!input.yes) await terminal.prompts.confirm({ message: `Upload ${folder.path} as a new version of ${template.name}?` })
    const version = await importVersion(
      {
        organization: organization.id,
        folder,
        tags,
        values,
        takeDefaults: input.yes,
        template: template.id,
        inherited: input.alwaysPrompt ? [] : await valuesOfActiveVersion(client, template),
        ...(input.name !== undefined && { versionName: input.name }),
      },
      context,
    )
    await client.templates.updateActiveVersion({ params: { template: template.id }, body: { id: version.id } })
    if (input.output === 'json') return terminal.printJson(version)
    terminal.print(`New workspaces of ${template.name} use the version ${version.name} from now on; others when they are updated.`)
  },
})

async function find(client: Client, organization: string, templatename: string): Promise<Template> {
  try {
    return await client.templates.getByName({ params: { organization, templatename } })
  } catch (error) {
    if (!ApiError.is(error, 404)) throw error
    throw new CommandError(`There is no template "${templatename}".`, {
      help: `Make it with 'berth templates create ${templatename}'.`,
      cause: error,
    })
  }
}

/** The values that were given for the version in use, as references: the server copies what it would not show, too. */
async function valuesOfActiveVersion(client: Client, template: Template): Promise<CreateParameterRequest[]> {
  const parameters = await client.templateVersions.parameters({ params: { templateversion: template.active_version_id } })
  return parameters
    .filter(({ default_source_value }) => !default_source_value)
    .map(({ id, name, source_value, source_scheme, destination_scheme }) => ({
      copy_from_parameter: id,
      name,
      source_value,
      source_scheme,
      destination_scheme,
    }))
}
