import { buildWorkspace } from '../workspaces/build-workspace.ts'
import { defineCommand, word } from '../command.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { outputFlag, yesFlag } from '../flags.ts'
import { announceReady } from '../ssh/announce-ready.ts'

export const restart = defineCommand({
  summary: 'Stop a workspace and start it again',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: { yes: yesFlag, output: outputFlag },
  async run({ workspace: words, yes, output }, context) {
    const { client, terminal } = context
    if (!yes) await terminal.prompts.confirm({ message: `Restart ${words}? This ends every process in it.` })
    const workspace = await findWorkspace(client, words)
    await buildWorkspace(workspace, { transition: 'stop' }, context)
    await buildWorkspace(workspace, { transition: 'start' }, context)
    await announceReady(workspace.id, { words, output }, context)
  },
})
