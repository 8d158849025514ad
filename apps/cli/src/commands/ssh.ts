import type { Workspace } from '@berth/schema'
import { waitForBuild } from '../workspaces/build-workspace.ts'
import { defineCommand, verbatimRest, word } from '../command.ts'
import type { Context } from '../context.ts'
import { describeFailure } from '../describe-failure.ts'
import { Canceled, CommandError } from '../failures.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { notRunning } from '../workspaces/not-running.ts'
import { toggle } from '../flags.ts'
import { chooseAgent, parseTarget } from '../ssh/choose-agent.ts'
import { dialAgent, type AgentConnection } from '../ssh/dial-agent.ts'
import { relayStdio } from '../ssh/relay-stdio.ts'
import { runSession } from '../ssh/remote-session.ts'
import { waitForAgent } from '../ssh/wait-for-agent.ts'

/** The exit code OpenSSH uses too. Codes up to 254 come from the remote command. */
const brokenConnectionCode = 255

export const ssh = defineCommand({
  summary: 'Open a shell in a workspace, or run a command in it',
  args: {
    workspace: word('Workspace name, or owner/name; append .agent if it has several agents', 'workspaces'),
    command: verbatimRest('Command to run instead of a shell, with flags of its own'),
  },
  flags: {
    stdio: toggle('Relay an SSH client on standard input and output, as a ProxyCommand', { variable: 'SSH_STDIO' }),
    tty: toggle('Allocate a terminal for the command', { short: 't' }),
    noTty: toggle("Don't allocate a terminal", { short: 'T' }),
  },
  examples: ['ssh dev', 'ssh dev ls -la', "ssh dev -- 'make test && git status'"],
  async run({ workspace: words, command, stdio, tty, noTty }, context) {
    const { world } = context
    try {
      const { connection, workspace } = await connect(words, context)
      try {
        if (stdio) return await relay(connection, context)
        const request = {
          username: workspace.owner_name,
          // Like OpenSSH: the words are joined, and the shell in the workspace splits them.
          command: command.length === 0 ? undefined : command.join(' '),
          terminal: !noTty && (tty || command.length === 0) && world.input.isTTY === true,
        }
        // From here on, Ctrl-C is for the remote command.
        const code = await context.interceptInterrupt(
          () => undefined,
          () => runSession(connection.stream, request, world),
        )
        if (code === undefined) context.terminal.note(`Lost the connection to ${workspace.name}.`)
        return code ?? brokenConnectionCode
      } finally {
        connection.close()
      }
    } catch (error) {
      if (error instanceof Canceled || context.signal.aborted) throw error
      const { settings, terminal } = context
      const description = describeFailure(error, {
        verbose: settings.verbose,
        path: ['ssh'],
        hasGivenToken: settings.token !== undefined,
      })
      terminal.note(terminal.paintNote('red', description))
      return brokenConnectionCode
    }
  },
})

async function relay({ stream }: AgentConnection, { world }: Context): Promise<number> {
  await relayStdio(stream, world)
  return 0
}

async function connect(words: string, context: Context): Promise<{ connection: AgentConnection; workspace: Workspace }> {
  const { client, terminal, signal } = context
  const target = parseTarget(words)
  const found = await findWorkspace(client, target.workspace)
  const workspace = await startedWorkspace(found, target.workspace, context)
  if (workspace.outdated && terminal.errorOutput.isTTY === true) {
    const warning = `${workspace.name} is outdated. Update it with 'berth update ${target.workspace}'.`
    terminal.note(terminal.paintNote('yellow', warning))
  }
  const agent = await waitForAgent(chooseAgent(workspace, target.agent), context, { patient: true })
  return { connection: await dialAgent(client, agent.id, signal), workspace }
}

/** Returns the workspace once its build is complete. Only a start transition leads to an agent. */
async function startedWorkspace(workspace: Workspace, words: string, context: Context): Promise<Workspace> {
  const { latest_build: build, name } = workspace
  if (build.transition !== 'start') throw notRunning(workspace, words)
  if (build.job.completed_at === undefined) {
    await waitForBuild(build, context)
    return context.client.workspaces.get({ params: { workspace: workspace.id } })
  }
  if (build.job.status !== 'succeeded') {
    throw new CommandError(`The last start of ${name} failed: ${build.job.error ?? build.job.status}`, {
      help: `Try again with 'berth start ${words}'.`,
    })
  }
  return workspace
}
