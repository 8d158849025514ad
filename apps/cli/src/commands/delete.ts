import { buildWorkspace } from '../build-workspace.ts'
import { defineCommand, outputFlag, toggle, word, yesFlag } from '../command.ts'
import { findWorkspace } from '../find-workspace.ts'

export const deleteWorkspace = defineCommand({
  summary: 'Delete a workspace and everything in it',
  aliases: ['rm'],
  args: { workspace: word('Its name, or owner/name', 'workspaces') },
  flags: {
    orphan: toggle('Forget the resources instead of destroying them; for templates that can no longer destroy theirs'),
    yes: yesFlag,
    output: outputFlag,
  },
  async run({ workspace: words, orphan, yes, output }, context) {
    const { client, terminal } = context
    if (!yes) await terminal.prompts.confirm({ message: `Delete ${words} and everything in it?`, initial: false })
    const workspace = await findWorkspace(client, words)
    await buildWorkspace(workspace, { transition: 'delete', ...(orphan && { orphan }) }, context)
    if (output !== 'json') return terminal.print(`The workspace ${workspace.name} is deleted.`)
    terminal.printJson(await client.workspaces.get({ params: { workspace: workspace.id }, query: { include_deleted: true } }))
  },
})
