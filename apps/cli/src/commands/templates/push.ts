import { basename, resolve } from 'node:path'
import type { Client } from '@berth/sdk'
import type { CreateParameterRequest, Template } from '@berth/schema'
import { defineCommand, optionalWord } from '../../command.ts'
import { CommandError } from '../../failures.ts'
import { list, outputFlag, text, toggle, yesFlag } from '../../flags.ts'
import { currentOrganization } from '../../organization.ts'
import { readParameterFile } from '../../parameters/parameter-file.ts'
import { findTemplate } from '../../templates/find-template.ts'
import { folderFlags } from '../../templates/folder-flags.ts'
import { importVersion, readTags } from '../../templates/import-version.ts'
import { openTemplateFolder } from '../../templates/template-folder.ts'

export const push = defineCommand({
  summary: 'Upload a new version of a template and make it active',
  args: { template: optionalWord('Name of the template (default: the name of the folder)', 'templates') },
  flags: {
    ...folderFlags,
    name: text('Name of the version (default: a generated name)', { placeholder: 'name' }),
    parameterFile: text('YAML or JSON file with parameter values', { placeholder: 'file' }),
    alwaysPrompt: toggle('Ask for all parameters instead of keeping their values'),
    provisionerTag: list('Tag that the provisioner must have, as key=value; can be repeated', { placeholder: 'tag' }),
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
    const template = await existingTemplate(client, organization.id, input.template ?? basename(folder.path))
    if (!input.yes) await terminal.prompts.confirm({ message: `Upload ${folder.path} as a new version of the template ${template.name}?` })
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
    terminal.print(`The active version of ${template.name} is now ${version.name}. Update existing workspaces with 'berth update'.`)
  },
})

async function existingTemplate(client: Client, organization: string, name: string): Promise<Template> {
  const template = await findTemplate(client, organization, name)
  if (template !== undefined) return template
  throw new CommandError(`There is no template "${name}".`, { help: `Create it with 'berth templates create ${name}'.` })
}

/**
 * References the values given for the active version. The server copies them, even those it doesn't
 * show.
 */
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
