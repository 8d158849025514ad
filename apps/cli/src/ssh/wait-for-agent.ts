import type { Workspace, WorkspaceAgent } from '@berth/schema'
import { watchWorkspace } from '@berth/sdk'
import type { Context } from '../context.ts'
import { counted } from '../counted.ts'
import { CommandError } from '../failures.ts'
import { createProgress } from '../terminal/progress.ts'
import { agentsOf } from './choose-agent.ts'

/**
 * Waits until an agent of a workspace is connected, and shows progress. Goes on while the server
 * can't be reached.
 *
 * @param options.patient whether to keep waiting past the agent's connection timeout.
 * @throws CommandError if the agent times out and `patient` is false, or if another build replaces
 *   it.
 */
export async function waitForAgent(
  agent: WorkspaceAgent,
  { of, patient }: { readonly of: Workspace; readonly patient: boolean },
  context: Context,
): Promise<WorkspaceAgent> {
  if (agent.status === 'connected') return agent
  const { client, signal } = context
  const progress = createProgress(context)
  progress.step(`Waiting for the agent ${agent.name}`)
  let told: WorkspaceAgent['status'] | undefined
  try {
    for await (const workspace of watchWorkspace(client, of.id, { initial: true, signal })) {
      const current = agentsOf(workspace).find(({ id }) => id === agent.id)
      if (current === undefined) throw replaced(workspace)
      if (current.status === 'connected') {
        progress.finish('done')
        return current
      }
      if (current.status === 'timeout' && !patient) throw tookTooLong(current)
      if (current.status === told || current.status === 'connecting') continue
      told = current.status
      progress.line(explain(current))
    }
    throw new Error('The watch of the workspace ended.')
  } catch (error) {
    progress.finish(signal.aborted ? 'canceled' : 'failed')
    throw error
  }
}

function replaced({ name, latest_build: { transition } }: Workspace): CommandError {
  const happened = { start: 'started anew', stop: 'stopped', delete: 'deleted' }[transition]
  return new CommandError(`The workspace ${name} was ${happened} before its agent connected.`, { help: 'Try again.' })
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
