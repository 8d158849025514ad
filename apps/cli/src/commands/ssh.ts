import type { Workspace } from '@berth/schema'
import { defineCommand, verbatimRest, word } from '../command.ts'
import type { Context } from '../context.ts'
import { describeFailure } from '../describe-failure.ts'
import { Canceled, CommandError, UsageError } from '../failures.ts'
import { list, text, toggle } from '../flags.ts'
import { announceStop } from '../ssh/announce-stop.ts'
import { parseTarget } from '../ssh/choose-agent.ts'
import { dialAgent, type AgentConnection } from '../ssh/dial-agent.ts'
import { relayStdio } from '../ssh/relay-stdio.ts'
import { runSession, type SessionRequest } from '../ssh/remote-session.ts'
import { readyAgent } from '../tunnels/ready-agent.ts'

/** The exit code OpenSSH uses too. Codes up to 254 come from the remote command. */
const brokenConnectionCode = 255

/** Where the SSH agent of Windows listens. */
const windowsAgentSocket = String.raw`\\.\pipe\openssh-ssh-agent`

export const ssh = defineCommand({
  summary: 'Open a shell in a workspace, or run a command in it',
  args: {
    workspace: word('Workspace name, or owner/name; append .agent if it has several agents', 'workspaces'),
    command: verbatimRest('Command to run instead of a shell, with flags of its own'),
  },
  flags: {
    stdio: toggle('Relay an SSH client on standard input and output, as a ProxyCommand', { variable: 'SSH_STDIO' }),
    start: toggle('Start the workspace if it is stopped', { variable: 'SSH_START' }),
    tty: toggle('Allocate a terminal for the command', { short: 't' }),
    noTty: toggle("Don't allocate a terminal", { short: 'T' }),
    env: list('Environment variable of the session, as NAME=value; can be repeated', { placeholder: 'variable' }),
    forwardAgent: toggle('Let the workspace use your SSH agent', { short: 'A', variable: 'SSH_FORWARD_AGENT' }),
    identityAgent: text('Socket of the SSH agent to forward, instead of SSH_AUTH_SOCK', {
      variable: 'SSH_IDENTITY_AGENT',
      placeholder: 'socket',
    }),
  },
  examples: ['ssh dev', 'ssh dev ls -la', "ssh dev -- 'make test && git status'", 'ssh -A --env EDITOR=vim dev'],
  async run({ workspace: words, command, stdio, start, tty, noTty, env, forwardAgent, identityAgent }, context) {
    const { world } = context
    const variables = Object.fromEntries(env.map(readVariable))
    try {
      const agentSocket = forwardAgent ? agentSocketOf(identityAgent, context) : undefined
      const { workspace, agent } = await readyAgent(words, context, { start, ask: !stdio })
      const connection = await dialAgent(context.client, agent.id, context.signal)
      try {
        if (stdio) return await relay(connection, context)
        const request = {
          username: workspace.owner_name,
          // Like OpenSSH: the words are joined, and the shell in the workspace splits them.
          command: command.length === 0 ? undefined : command.join(' '),
          terminal: !noTty && (tty || command.length === 0) && world.input.isTTY === true,
          variables,
          agentSocket,
        }
        return await converse(connection, { request, workspace, words: parseTarget(words).workspace }, context)
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

/** Runs the session. Returns its exit code. */
async function converse(
  { stream }: AgentConnection,
  { request, workspace, words }: { readonly request: SessionRequest; readonly workspace: Workspace; readonly words: string },
  context: Context,
): Promise<number> {
  const { terminal, world } = context
  const ended = new AbortController()
  if (request.terminal) void announceStop({ workspace, words, say: (line) => sayBetween(line, context) }, context, ended.signal)
  try {
    // From here on, Ctrl-C is for the remote command.
    const code = await context.interceptInterrupt(
      () => undefined,
      () => runSession(stream, request, world),
    )
    if (code === undefined) terminal.note(await lostConnection(workspace, context))
    return code ?? brokenConnectionCode
  } finally {
    ended.abort(new Canceled())
  }
}

/** Writes a line while the terminal belongs to the session, where a line end alone moves down. */
function sayBetween(line: string, { terminal }: Context): void {
  terminal.errorOutput.write(`\r\n${terminal.paintNote('yellow', line)}\r\n`)
}

/** Says why a session ended: because the workspace stopped, or for a reason not known. */
async function lostConnection({ id, name }: Workspace, { client, clock, signal }: Context): Promise<string> {
  const unknown = `Lost the connection to ${name}.`
  const asking = client.workspaces.get({ params: { workspace: id } }, { signal }).then(
    ({ latest_build: { transition } }) =>
      transition === 'stop' ? `The workspace ${name} was stopped. Start it with 'berth start ${name}'.` : unknown,
    () => unknown,
  )
  return await Promise.race([asking, clock.sleep(reasonWaitMs, signal).then(() => unknown)])
}

/** How long to look for the reason of a lost connection, which may be the server's end. */
const reasonWaitMs = 2000

function agentSocketOf(given: string | undefined, { world: { environment, platform } }: Context): string {
  const socket = given ?? (environment['SSH_AUTH_SOCK'] || (platform === 'win32' ? windowsAgentSocket : undefined))
  if (socket !== undefined) return socket
  throw new CommandError("There is no SSH agent to forward: SSH_AUTH_SOCK isn't set.", {
    help: "Start one with 'eval $(ssh-agent)', or leave out --forward-agent.",
  })
}

function readVariable(typed: string): [string, string] {
  const [, name, value] = /^([A-Za-z_]\w*)=([^\0]*)$/.exec(typed) ?? []
  if (name === undefined || value === undefined) throw new UsageError(`--env takes NAME=value, not "${typed}".`)
  return [name, value]
}
