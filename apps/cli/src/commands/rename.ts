import { defineCommand, word, yesFlag } from '../command.ts'
import { findWorkspace } from '../find-workspace.ts'

export const rename = defineCommand({
  summary: 'Give a workspace another name',
  args: { workspace: word('Its name, or owner/name', 'workspaces'), newName: word('The name it shall have') },
  flags: { yes: yesFlag },
  async run({ workspace: words, newName, yes }, { client, terminal }) {
    const workspace = await findWorkspace(client, words)
    if (!yes)
      await terminal.prompts.confirm({
        message: `Rename ${workspace.name} to ${newName}? What its template derives from the name may change.`,
        initial: false,
      })
    await client.workspaces.update({ params: { workspace: workspace.id }, body: { name: newName } })
    terminal.print(`The workspace ${workspace.name} is called ${newName} now.`)
  },
})
