import type { Workspace, WorkspaceAgent, WorkspaceResource } from '@berth/schema'
import { defineCommand, outputFlag, word } from '../command.ts'
import { findWorkspace, fullName } from '../find-workspace.ts'
import { renderTable } from '../terminal/table.ts'
import { describeAge, describeAutostop, describeStatus } from '../workspace-status.ts'

export const show = defineCommand({
  summary: 'Show a workspace with its resources and agents',
  args: { workspace: word('Its name, or owner/name', 'workspaces') },
  flags: { output: outputFlag },
  async run({ workspace: words, output }, { client, clock, terminal }) {
    const workspace = await findWorkspace(client, words)
    if (output === 'json') return terminal.printJson(workspace)
    terminal.print(renderWorkspace(workspace, { now: clock.now(), bold: terminal.colors.bold }))
  },
})

function renderWorkspace(workspace: Workspace, { now, bold }: { now: Date; bold: (text: string) => string }): string {
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
  const lines = facts.map(([name = '', value = '']) => `${`${name}:`.padEnd(13)}${value}`)
  const rows = build.resources.filter(({ hide }) => !hide).flatMap((resource) => rowsOf(resource, workspace))
  const resources = rows.length === 0 ? [] : ['', renderTable(rows, columns)]
  return [bold(fullName(workspace)), ...lines, ...resources].join('\n')
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
    access: agent.status === 'connected' ? `berth ssh ${sshName(agent, workspace)}` : '',
  }))
}

function sshName(agent: WorkspaceAgent, { name, latest_build }: Workspace): string {
  const agents = latest_build.resources.flatMap((resource) => resource.agents ?? [])
  return agents.length === 1 ? name : `${name}.${agent.name}`
}
