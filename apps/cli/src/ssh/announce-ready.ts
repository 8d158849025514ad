import type { Context } from '../context.ts'
import type { OutputFormat } from '../flags.ts'
import { agentsOf, sshName } from './choose-agent.ts'
import { waitForAgent } from './wait-for-agent.ts'

/**
 * Waits for the agents of a started workspace, and says how to connect. `words` name the workspace
 * as the user typed it.
 */
export async function announceReady(
  id: string,
  { words, output }: { readonly words: string; readonly output: OutputFormat },
  context: Context,
): Promise<void> {
  const { client, terminal } = context
  const params = { workspace: id }
  const started = await client.workspaces.get({ params })
  const agents = agentsOf(started)
  for (const agent of agents) await waitForAgent(agent, { of: started, patient: false }, context)
  if (output === 'json') return terminal.printJson(await client.workspaces.get({ params }))
  const [first] = agents
  if (first === undefined) return terminal.print(`The workspace ${started.name} has started. It has no agent to connect to.`)
  terminal.print(`The workspace ${started.name} is ready. Open a shell with:`)
  terminal.print(`  berth ssh ${sshName(words, { agent: first, agents })}`)
}
