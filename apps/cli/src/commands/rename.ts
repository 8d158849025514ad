import { defineCommand, word } from '../command.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { yesFlag } from '../flags.ts'

export const rename = defineCommand({
  summary: 'Rename a workspace',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces'), newName: word('New name of the workspace') },
  flags: { yes: yesFlag },
  async run({ workspace: words, newName, yes }, { client, terminal }) {
    const workspace = await findWorkspace(client, words)
    if (!yes)
      await terminal.prompts.confirm({
        message: `Rename ${workspace.name} to ${newName}? Resources that its template names after it may be replaced.`,
        initial: false,
      })
    await client.workspaces.update({ params: { workspace: workspace.id }, body: { name: newName } })
    terminal.print(`Renamed the workspace ${workspace.name} to ${newName}.`)
  },
})
