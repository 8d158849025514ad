import type { WorkspaceAgent } from '@berth/schema'
import { ApiError, ConnectionError } from '@berth/sdk'
import type { Context } from '../context.ts'
import { counted } from '../counted.ts'
import { CommandError } from '../failures.ts'
import { createProgress } from '../terminal/progress.ts'

/** The first polls come quickly, because most agents connect within seconds. */
const quickPollMs = 100
const quickPolls = 30
const pollMs = 500

/**
 * Waits until an agent is connected, and shows progress.
 *
 * @param options.patient whether to keep waiting past the agent's connection timeout.
 * @throws CommandError if the agent times out and `patient` is false.
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

  /** Returns undefined while the server restarts or limits requests: that passes. */
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
  const help = troubleshooting_url === '' ? "Run 'berth ssh' to wait longer." : `See ${troubleshooting_url}.`
  return new CommandError(
    `The workspace started, but its agent ${name} did not connect within ${counted(connection_timeout_seconds, 'second')}.`,
    {
      help,
    },
  )
}

function explain({ status, troubleshooting_url }: WorkspaceAgent): string {
  const help = troubleshooting_url === '' ? '' : ` See ${troubleshooting_url}.`
  if (status === 'timeout') return `The agent is taking longer than its template allows.${help} Still waiting; press Ctrl-C to stop.`
  return `The agent lost its connection to the server.${help} Waiting for it to reconnect.`
}
