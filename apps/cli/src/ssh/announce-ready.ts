import type { Workspace } from '@berth/schema'
import type { Context } from '../context.ts'
import { waitForAgent } from './wait-for-agent.ts'

/** After a start: waits for the workspace's agents and says what to type next. */
export async function announceReady(
  id: string,
  { words, output }: { readonly words: string; readonly output: 'table' | 'json' },
  context: Context,
): Promise<void> {
  const { client, terminal } = context
  const params = { workspace: id }
  const started: Workspace = await client.workspaces.get({ params })
  const agents = started.latest_build.resources.flatMap((resource) => resource.agents ?? [])
  for (const agent of agents) await waitForAgent(agent, context, { patient: false })
  if (output === 'json') return terminal.printJson(await client.workspaces.get({ params }))
  const [first, second] = agents
  if (first === undefined) return terminal.print(`The workspace ${started.name} is started. It has no agent to connect to.`)
  terminal.print(`The workspace ${started.name} is ready. Open a shell in it:`)
  terminal.print(`  berth ssh ${second === undefined ? words : `${words}.${first.name}`}`)
}
