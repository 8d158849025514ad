import { askParameters } from '../ask-parameters.ts'
import { buildWorkspace } from '../build-workspace.ts'
import { defineCommand, outputFlag, text, toggle, word, yesFlag } from '../command.ts'
import { findWorkspace } from '../find-workspace.ts'
import { readParameterFile } from '../parameter-file.ts'
import { announceReady } from '../ssh/announce-ready.ts'

export const update = defineCommand({
  summary: "Build a workspace with its template's newest version",
  args: { workspace: word('Its name, or owner/name', 'workspaces') },
  flags: {
    alwaysPrompt: toggle('Ask for the parameters, even when the workspace is up to date'),
    parameterFile: text('File with values for the parameters', { variable: 'PARAMETER_FILE', placeholder: 'file' }),
    yes: yesFlag,
    output: outputFlag,
  },
  async run(input, context) {
    const { client, terminal } = context
    const values = await readParameterFile(input.parameterFile)
    const workspace = await findWorkspace(client, input.workspace)
    if (!workspace.outdated && !input.alwaysPrompt) {
      if (input.output === 'json') return terminal.printJson(workspace)
      return terminal.print(`The workspace ${workspace.name} is up to date.`)
    }
    const template = await client.templates.get({ params: { template: workspace.template_id } })
    const schemas = await client.templateVersions.schema({ params: { templateversion: template.active_version_id } })
    const overridable = schemas.filter((schema) => schema.allow_override_source)
    // The workspace has values already; only those of the file and those that the user asked to be asked for are new.
    const concerned = input.alwaysPrompt ? overridable : overridable.filter(({ name }) => values[name] !== undefined)
    const parameter_values = await askParameters(concerned, { values, takeDefaults: input.yes, terminal })
    const { transition } = workspace.latest_build
    await buildWorkspace(workspace, { transition, template_version_id: template.active_version_id, parameter_values }, context)
    if (transition === 'start') return announceReady(workspace.id, { words: input.workspace, output: input.output }, context)
    if (input.output === 'json') return terminal.printJson(await client.workspaces.get({ params: { workspace: workspace.id } }))
    terminal.print(`The workspace ${workspace.name} is up to date.`)
  },
})
