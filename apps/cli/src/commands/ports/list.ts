import type { PortShare } from '@berth/schema'
import { defineCommand, word } from '../../command.ts'
import { outputFlag } from '../../flags.ts'
import { chooseAgent, parseTarget } from '../../ssh/choose-agent.ts'
import { renderTable, type Column } from '../../terminal/table.ts'
import { findWorkspace } from '../../workspaces/find-workspace.ts'
import { notRunning } from '../../workspaces/not-running.ts'

const columns: readonly Column<PortShare>[] = [
  { name: 'port', cell: ({ port }) => String(port) },
  { name: 'who may open it', cell: ({ sharing_level }) => sharing_level },
  { name: 'url', cell: ({ url }) => url },
]

export const list = defineCommand({
  summary: 'List the ports that other people may open',
  args: { workspace: word('Workspace name, or owner/name, with .agent if it has several', 'workspaces') },
  flags: { output: outputFlag },
  async run({ workspace: words, output }, { client, terminal }) {
    const target = parseTarget(words)
    const workspace = await findWorkspace(client, target.workspace)
    if (workspace.latest_build.transition !== 'start') throw notRunning(workspace, target.workspace)
    const { id } = chooseAgent(workspace, target.agent)
    const { shares } = await client.portShares.list({ params: { workspaceagent: id } })
    if (output === 'json') return terminal.printJson(shares)
    if (shares.length === 0)
      return terminal.note(`Only the owner may open the ports of ${workspace.name}. Share one with 'berth ports share ${words} 3000'.`)
    terminal.print(renderTable(shares, columns))
  },
})
