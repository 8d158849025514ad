import type { Workspace } from '@berth/schema'
import { waitForBuild } from '../build-workspace.ts'
import { defineCommand, rest, toggle, word } from '../command.ts'
import type { Context } from '../context.ts'
import { describeFailure } from '../describe-failure.ts'
import { Canceled, CommandError } from '../failures.ts'
import { findWorkspace } from '../find-workspace.ts'
import { chooseAgent, parseTarget } from '../ssh/choose-agent.ts'
import { dialAgent, type AgentConnection } from '../ssh/dial-agent.ts'
import { relayStdio } from '../ssh/relay-stdio.ts'
import { runSession } from '../ssh/remote-session.ts'
import { waitForAgent } from '../ssh/wait-for-agent.ts'

/** As OpenSSH has it. Exit codes up to 254 are the command's own. */
const brokenConnectionCode = 255

export const ssh = defineCommand({
  summary: 'Open a shell in a workspace, or run a command there',
  args: {
    workspace: word('Its name, or owner/name, with .agent behind it where it has several', 'workspaces'),
    command: rest('Run this instead of a shell; write -- before it'),
  },
  flags: {
    stdio: toggle('Carry the bytes of another SSH client, as its ProxyCommand', { variable: 'SSH_STDIO' }),
    tty: toggle('Give the command a terminal', { short: 't' }),
    noTty: toggle('Give the shell no terminal', { short: 'T' }),
  },
  examples: ['ssh dev', "ssh dev -- 'make test && git status'"],
  async run({ workspace: words, command, stdio, tty, noTty }, context) {
    const { world } = context
    try {
      const { connection, workspace } = await connect(words, context)
      try {
        if (stdio) return await relay(connection, context)
        const request = {
          username: workspace.owner_name,
          // As OpenSSH does: the words are joined, and the shell over there takes them apart again.
          command: command.length === 0 ? undefined : command.join(' '),
          terminal: !noTty && (tty || command.length === 0) && world.input.isTTY === true,
        }
        // From here on Ctrl-C is for the far end.
        const code = await context.interceptInterrupt(
          () => undefined,
          () => runSession(connection.stream, request, world),
        )
        if (code === undefined) context.terminal.note(`The connection to ${workspace.name} broke.`)
        return code ?? brokenConnectionCode
      } finally {
        connection.close()
      }
    } catch (error) {
      if (error instanceof Canceled || context.signal.aborted) throw error
      context.terminal.note(context.terminal.noteColors.red(describeFailure(error, { verbose: context.settings.verbose, path: ['ssh'] })))
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
  const workspace = await upWorkspace(found, context)
  if (workspace.outdated && terminal.errorOutput.isTTY === true) {
    terminal.note(terminal.noteColors.yellow(`There is a newer version of the template of ${workspace.name}.`))
  }
  const agent = await waitForAgent(chooseAgent(workspace, target.agent), context, { patient: true })
  return { connection: await dialAgent(client, agent.id, signal), workspace }
}

/** The workspace as it is once its build is over; only a start leads to something that can be reached. */
async function upWorkspace(workspace: Workspace, context: Context): Promise<Workspace> {
  const { latest_build: build, name } = workspace
  if (build.transition !== 'start') {
    throw new CommandError('workspace must be in start transition to ssh', { help: `Start it with 'berth start ${name}'.` })
  }
  if (build.job.completed_at === undefined) {
    await waitForBuild(build, context)
    return context.client.workspaces.get({ params: { workspace: workspace.id } })
  }
  if (build.job.status !== 'succeeded') {
    throw new CommandError(`The last start of ${name} did not succeed: ${build.job.error ?? build.job.status}`, {
      help: `Try 'berth start ${name}'.`,
    })
  }
  return workspace
}
