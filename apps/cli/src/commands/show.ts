import type { Workspace, WorkspaceResource } from '@berth/schema'
import { defineCommand, word } from '../command.ts'
import { findWorkspace, fullName } from '../workspaces/find-workspace.ts'
import { outputFlag } from '../flags.ts'
import { agentsOf, sshName } from '../ssh/choose-agent.ts'
import type { Paint } from '../terminal/colors.ts'
import { renderTable } from '../terminal/table.ts'
import { describeAge, describeAutostop, describeStatus } from '../workspaces/workspace-status.ts'

export const show = defineCommand({
  summary: 'Show a workspace, its resources and its agents',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: { output: outputFlag },
  async run({ workspace: words, output }, { client, clock, terminal }) {
    const workspace = await findWorkspace(client, words)
    if (output === 'json') return terminal.printJson(workspace)
    terminal.print(renderWorkspace(workspace, { now: clock.now(), paint: terminal.paint }))
  },
})

/** Columns for the names of facts, such as `Template:`. */
const factWidth = 13

function renderWorkspace(workspace: Workspace, { now, paint }: { readonly now: Date; readonly paint: Paint }): string {
  const { latest_build: build } = workspace
  const autostop = describeAutostop(workspace, now)
  const facts = [
    ['Template', `${workspace.template_name}, version ${build.template_version_name}${workspace.outdated ? ' (outdated)' : ''}`],
    [
      'Status',
      `${describeStatus(workspace)}, build ${build.build_number} by ${build.initiator_name}, ${describeAge(build.created_at, now)}`,
    ],
    ...(build.job.error ? [['Error', build.job.error]] : []),
    ...(autostop === '' ? [] : [['Stops after', autostop]]),
  ]
  const lines = facts.map(([name = '', value = '']) => `${`${name}:`.padEnd(factWidth)}${value}`)
  const rows = build.resources.filter(({ hide }) => !hide).flatMap((resource) => rowsOf(resource, workspace))
  const resources = rows.length === 0 ? [] : ['', renderTable(rows, columns)]
  return [paint('bold', fullName(workspace)), ...lines, ...resources].join('\n')
}

interface Row {
  readonly resource: string
  readonly agent: string
  readonly status: string
  readonly version: string
  readonly access: string
}

const columns = (['resource', 'agent', 'status', 'version', 'access'] as const).map((name) => ({ name, cell: (row: Row) => row[name] }))

function rowsOf(resource: WorkspaceResource, workspace: Workspace): Row[] {
  const name = `${resource.type}.${resource.name}`
  const agents = resource.agents ?? []
  if (agents.length === 0) return [{ resource: name, agent: '', status: '', version: '', access: '' }]
  return agents.map((agent, index) => ({
    resource: index === 0 ? name : '',
    agent: `${agent.name} (${agent.operating_system}, ${agent.architecture})`,
    status: agent.status,
    version: agent.version,
    access: agent.status === 'connected' ? `berth ssh ${sshName(workspace.name, { agent, agents: agentsOf(workspace) })}` : '',
  }))
}
