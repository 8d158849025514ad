import type { PortShare } from '@berth/schema'
import { defineCommand, word } from '../../command.ts'
import { UsageError } from '../../failures.ts'
import { outputFlag, type Flag } from '../../flags.ts'
import { chooseAgent, parseTarget } from '../../ssh/choose-agent.ts'
import { findWorkspace } from '../../workspaces/find-workspace.ts'
import { notRunning } from '../../workspaces/not-running.ts'

type Level = PortShare['sharing_level']

const sharingLevels = ['owner', 'authenticated', 'public'] as const satisfies readonly Level[]

const levelFlag: Flag<Level> = {
  kind: 'text',
  summary: 'Who may open the port: owner, authenticated (every user), or public',
  defaultValue: 'authenticated',
  read: (given) => {
    const level = sharingLevels.find((known) => known === given)
    if (level === undefined) throw new UsageError(`"${given}" isn't a sharing level. Use one of: ${sharingLevels.join(', ')}.`)
    return level
  },
  placeholder: 'level',
  choices: sharingLevels,
}

export const share = defineCommand({
  summary: 'Set who may open a port until the workspace stops',
  args: {
    workspace: word('Workspace name, or owner/name, with .agent if it has several', 'workspaces'),
    port: word('Port from 9 to 65535'),
  },
  flags: { level: levelFlag, output: outputFlag },
  examples: ['ports share dev 3000', 'ports share dev 3000 --level owner'],
  async run({ workspace: words, port, level, output }, { client, terminal }) {
    const target = parseTarget(words)
    const workspace = await findWorkspace(client, target.workspace)
    if (workspace.latest_build.transition !== 'start') throw notRunning(workspace, target.workspace)
    const { id } = chooseAgent(workspace, target.agent)
    const shared = await client.portShares.update({ params: { workspaceagent: id, port }, body: { sharing_level: level } })
    if (output === 'json') return terminal.printJson(shared)
    terminal.print(`${whoMayOpen(shared)} until the workspace stops.${shared.url === '' ? '' : `\n${shared.url}`}`)
    if (shared.url === '')
      terminal.print(
        'This deployment has no host names for apps, so that browsers open no ports. An administrator sets BERTH_WILDCARD_ACCESS_URL.',
      )
  },
})

function whoMayOpen({ port, sharing_level }: PortShare): string {
  const who = { owner: 'Only the owner', authenticated: 'Every user of this deployment', public: 'Everybody' }[sharing_level]
  return `${who} may open port ${port}`
}
