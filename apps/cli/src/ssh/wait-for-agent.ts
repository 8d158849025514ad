import type { WorkspaceAgent } from '@berth/schema'
import { ApiError, ConnectionError } from '@berth/sdk'
import type { Context } from '../context.ts'
import { CommandError } from '../failures.ts'
import { createProgress } from '../terminal/progress.ts'

/** An agent that comes up is seen within this time at first, and less often once it takes its time. */
const quickPollMs = 100
const pollMs = 500
const quickPolls = 30

/**
 * Waits until an agent is connected, and shows so on standard error.
 *
 * @param options.patient whether to go on when the agent takes longer than its template allows it.
 * @throws CommandError when it takes longer and nobody is patient.
 */
export async function waitForAgent(
  agent: WorkspaceAgent,
  context: Context,
  options: { readonly patient: boolean },
): Promise<WorkspaceAgent> {
  if (agent.status === 'connected') return agent
  const { client, clock, terminal, signal } = context
  const progress = createProgress(context)
  progress.step(`Waiting for the agent ${agent.name}`)
  let told: WorkspaceAgent['status'] | undefined
  try {
    for (let polls = 0; ; polls += 1) {
      const current = await readAgent(agent, context)
      if (current?.status === 'connected') {
        progress.finish('done')
        return current
      }
      if (current?.status === 'timeout' && !options.patient) throw tookTooLong(current)
      if (current && current.status !== told && current.status !== 'connecting') {
        told = current.status
        progress.line(explain(current))
      }
      await clock.sleep(polls < quickPolls ? quickPollMs : pollMs, signal)
    }
  } catch (error) {
    progress.finish(signal.aborted ? 'canceled' : 'failed')
    throw error
  }

  /** A server that is just being restarted is worth waiting for, as the agent is. */
  async function readAgent({ id }: WorkspaceAgent, { signal: aborted }: Context): Promise<WorkspaceAgent | undefined> {
    try {
      return await client.agents.get({ params: { workspaceagent: id } }, { signal: aborted })
    } catch (error) {
      if (!ConnectionError.is(error) && !ApiError.is(error, 429) && !ApiError.is(error, 503)) throw error
      if (terminal.errorOutput.isTTY === true) progress.line(error.message)
      return undefined
    }
  }
}

function tookTooLong({ name, connection_timeout_seconds, troubleshooting_url }: WorkspaceAgent): CommandError {
  const help = troubleshooting_url === '' ? "'berth ssh' waits for it longer." : `See ${troubleshooting_url}.`
  return new CommandError(`The workspace is started, but its agent ${name} did not connect within ${connection_timeout_seconds} seconds.`, {
    help,
  })
}

function explain({ status, troubleshooting_url }: WorkspaceAgent): string {
  const help = troubleshooting_url === '' ? '' : ` See ${troubleshooting_url}.`
  if (status === 'timeout') return `The agent takes longer than its template expects.${help} Still waiting; Ctrl-C ends it.`
  return `The agent has lost its connection to the server.${help} Waiting for it to come back.`
}
