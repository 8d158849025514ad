import { buildWorkspace } from '../build-workspace.ts'
import { defineCommand, outputFlag, word, yesFlag } from '../command.ts'
import { findWorkspace } from '../find-workspace.ts'

export const stop = defineCommand({
  summary: 'Stop a workspace; its home stays',
  args: { workspace: word('Its name, or owner/name', 'workspaces') },
  flags: { yes: yesFlag, output: outputFlag },
  async run({ workspace: words, yes, output }, context) {
    const { client, terminal } = context
    if (!yes) await terminal.prompts.confirm({ message: `Stop ${words}?` })
    const workspace = await findWorkspace(client, words)
    await buildWorkspace(workspace, { transition: 'stop' }, context)
    if (output === 'json') return terminal.printJson(await client.workspaces.get({ params: { workspace: workspace.id } }))
    terminal.print(`The workspace ${workspace.name} is stopped. Start it again with 'berth start ${words}'.`)
  },
})
