import { buildWorkspace } from '../workspaces/build-workspace.ts'
import { defineCommand, word } from '../command.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { outputFlag, yesFlag } from '../flags.ts'

export const stop = defineCommand({
  summary: 'Stop a workspace and keep its home directory',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: { yes: yesFlag, output: outputFlag },
  async run({ workspace: words, yes, output }, context) {
    const { client, terminal } = context
    if (!yes) await terminal.prompts.confirm({ message: `Stop ${words}?` })
    const workspace = await findWorkspace(client, words)
    await buildWorkspace(workspace, { transition: 'stop' }, context)
    if (output === 'json') return terminal.printJson(await client.workspaces.get({ params: { workspace: workspace.id } }))
    terminal.print(`Stopped the workspace ${workspace.name}. Start it again with 'berth start ${words}'.`)
  },
})
