import { askParameters } from '../parameters/ask-parameters.ts'
import { buildWorkspace } from '../workspaces/build-workspace.ts'
import { defineCommand, word } from '../command.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { outputFlag, text, toggle, yesFlag } from '../flags.ts'
import { readParameterFile } from '../parameters/parameter-file.ts'
import { announceReady } from '../ssh/announce-ready.ts'

export const update = defineCommand({
  summary: "Update a workspace to its template's active version",
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: {
    alwaysPrompt: toggle('Ask for all parameters, even if the workspace is up to date'),
    parameterFile: text('YAML or JSON file with parameter values', { variable: 'PARAMETER_FILE', placeholder: 'file' }),
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
    // The workspace keeps its values, except for those in the file and those the user wants to be
    // asked for.
    const concerned = input.alwaysPrompt ? overridable : overridable.filter(({ name }) => values[name] !== undefined)
    const parameter_values = await askParameters(concerned, { values, takeDefaults: input.yes, terminal })
    const { transition } = workspace.latest_build
    await buildWorkspace(workspace, { transition, template_version_id: template.active_version_id, parameter_values }, context)
    if (transition === 'start') return announceReady(workspace.id, { words: input.workspace, output: input.output }, context)
    if (input.output === 'json') return terminal.printJson(await client.workspaces.get({ params: { workspace: workspace.id } }))
    terminal.print(`The workspace ${workspace.name} is up to date.`)
  },
})
