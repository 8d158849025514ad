import { buildWorkspace } from '../workspaces/build-workspace.ts'
import { defineCommand, word } from '../command.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { outputFlag, toggle, yesFlag } from '../flags.ts'

export const deleteWorkspace = defineCommand({
  summary: 'Delete a workspace and everything in it',
  aliases: ['rm'],
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: {
    orphan: toggle('Leave its resources in place, for example if its template can no longer destroy them'),
    yes: yesFlag,
    output: outputFlag,
  },
  async run({ workspace: words, orphan, yes, output }, context) {
    const { client, terminal } = context
    if (!yes) await terminal.prompts.confirm({ message: `Delete ${words} and everything in it?`, initial: false })
    const workspace = await findWorkspace(client, words)
    await buildWorkspace(workspace, { transition: 'delete', ...(orphan && { orphan }) }, context)
    if (output !== 'json') return terminal.print(`Deleted the workspace ${workspace.name}.`)
    terminal.printJson(await client.workspaces.get({ params: { workspace: workspace.id }, query: { include_deleted: true } }))
  },
})
