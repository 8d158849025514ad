import { buildWorkspace } from '../workspaces/build-workspace.ts'
import { defineCommand, word } from '../command.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { outputFlag, yesFlag } from '../flags.ts'
import { announceReady } from '../ssh/announce-ready.ts'

export const start = defineCommand({
  summary: 'Start a workspace',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: { yes: yesFlag, output: outputFlag },
  async run({ workspace: words, output }, context) {
    const workspace = await findWorkspace(context.client, words)
    if (workspace.latest_build.status === 'running') {
      // Another start would replace what runs, and end every process in it.
      if (output === 'json') return context.terminal.printJson(workspace)
      return context.terminal.print(`The workspace ${workspace.name} is already running. To start it anew, run 'berth restart ${words}'.`)
    }
    await buildWorkspace(workspace, { transition: 'start' }, context)
    await announceReady(workspace.id, { words, output }, context)
  },
})
