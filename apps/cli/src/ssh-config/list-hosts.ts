import type { Workspace } from '@berth/schema'
import type { Context } from '../context.ts'
import { isHostName, type Host } from './host-block.ts'

/**
 * Lists the agents of the user's own workspaces, sorted by name (Coder v2 API, v0.13.4: CLI
 * config-ssh). A stopped workspace has those that its next start brings.
 */
export async function listHosts({ client, terminal }: Pick<Context, 'client' | 'terminal'>): Promise<Host[]> {
  const { workspaces } = await client.workspaces.list({ query: { q: 'owner:"me"' } })
  const known = new Map<string, readonly string[]>()
  const agentsOf = async ({ latest_build: { template_version_id } }: Workspace): Promise<readonly string[]> => {
    const resources = await client.templateVersions.resources({ params: { templateversion: template_version_id } })
    return resources.flatMap(({ workspace_transition, agents }) =>
      workspace_transition === 'start' ? (agents ?? []).map(({ name }) => name) : [],
    )
  }
  const hosts: Host[] = []
  for (const workspace of workspaces.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const version = workspace.latest_build.template_version_id
    const agents = known.get(version) ?? (await agentsOf(workspace))
    known.set(version, agents)
    for (const agent of agents.toSorted()) {
      // The names come from the server, and must not be able to add settings.
      if (isHostName(workspace.name) && isHostName(agent)) {
        hosts.push({ workspace: workspace.name, agent, isOnly: agents.length === 1 })
      } else {
        terminal.note(`Left out ${JSON.stringify(`${workspace.name}.${agent}`)}, which can't be the name of a host.`)
      }
    }
  }
  return hosts
}
