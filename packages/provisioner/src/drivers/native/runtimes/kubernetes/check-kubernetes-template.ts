import type { TemplateFile } from '@berth/schema'
import type { CheckContext } from '../../template/check-context.ts'
import { containerName } from './workspace-objects.ts'

/** Checks that the agents of a template can be containers of one pod, which runs on one node. */
export function checkKubernetesTemplate({ agents = [] }: Partial<TemplateFile>, { problem }: CheckContext): void {
  const [first] = agents
  const names = new Map<string, string>()
  for (const [index, agent] of agents.entries()) {
    if (agent?.os !== undefined && agent.os !== 'linux') problem(['agents', index, 'os'], 'workspaces on Kubernetes run Linux; remove os')
    if (agent?.arch !== first?.arch)
      problem(['agents', index, 'arch'], 'all agents of a workspace on Kubernetes run on the same node; give them the same arch')
    if (agent?.name === undefined) continue
    const other = names.get(containerName(agent.name)) ?? agent.name
    if (other !== agent.name)
      problem(
        ['agents', index, 'name'],
        `agents ${JSON.stringify(other)} and ${JSON.stringify(agent.name)} differ only in case, which container names can't; rename one`,
      )
    names.set(containerName(agent.name), other)
  }
}
