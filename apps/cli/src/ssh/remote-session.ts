/**
 * A command or shell over SSH, attached to the local terminal.
 * @module
 */
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import type { ClientChannel, Client as SshClient, PseudoTtyOptions } from 'ssh2'
import { CommandError } from '../failures.ts'
import { defaultColumns, defaultRows } from '../terminal/window-size.ts'
import type { Environment, Signal, World } from '../world.ts'

const readyTimeoutMs = 30_000
const keepAliveMs = 15_000
/** Keep-alives without an answer before the connection counts as lost. */
const maxMissedKeepAlives = 3

/** What a shell adds to the number of a signal to report it as an exit code. */
const signalCodeBase = 128

/** What to run. */
export interface SessionRequest {
  readonly username: string
  /** Command line for the shell in the workspace. Undefined for an interactive shell. */
  readonly command: string | undefined
  /** Whether to allocate a terminal in the workspace. */
  readonly terminal: boolean
  /** Environment variables of the session. */
  readonly variables: Readonly<Record<string, string>>
  /** Socket of the SSH agent that the session may use. */
  readonly agentSocket: string | undefined
}

type SessionWorld = Pick<World, 'environment' | 'input' | 'output' | 'errorOutput' | 'keepOutput' | 'onSignal'>

/**
 * Runs a session over a byte stream to an SSH server.
 *
 * SSH checks neither host key nor user here: the stream itself is authenticated at both ends.
 *
 * @returns the exit code; 128 plus the number of the signal that ended the command or this program;
 *   undefined if the connection was lost.
 */
export async function runSession(stream: Duplex, request: SessionRequest, world: SessionWorld): Promise<number | undefined> {
  const ssh = await connect(stream, request)
  try {
    return await attach(await openChannel(ssh, request, world), { request, world })
  } finally {
    ssh.end()
  }
}

async function connect(stream: Duplex, { username, agentSocket }: SessionRequest): Promise<SshClient> {
  // Loaded on demand: it is the largest part of the program, and other commands start faster
  // without it.
  const { default: ssh2 } = await import('ssh2')
  const ssh = new ssh2.Client()
  return new Promise((resolve, reject) => {
    ssh.once('ready', () => {
      // A later error shows as a channel that closes without an exit code.
      ssh.on('error', () => undefined)
      resolve(ssh)
    })
    ssh.once('error', (error) => reject(new CommandError(`Can't connect to the workspace over SSH: ${error.message}`, { cause: error })))
    ssh.once('close', () => reject(new CommandError('The connection to the workspace closed before it was ready.', { help: 'Try again.' })))
    ssh.connect({
      sock: stream,
      username,
      authHandler: ['none'],
      hostVerifier: () => true,
      readyTimeout: readyTimeoutMs,
      keepaliveInterval: keepAliveMs,
      keepaliveCountMax: maxMissedKeepAlives,
      ...(agentSocket !== undefined && { agent: agentSocket, agentForward: true }),
    })
  })
}

/** Selects the language and color settings, which OpenSSH clients usually send too. */
function sentEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && (name === 'LANG' || name === 'COLORTERM' || name.startsWith('LC_')) ? [[name, value]] : [],
    ),
  )
}

interface OpenChannel {
  readonly channel: ClientChannel
  /**
   * Awaited from the start: a quick command's exit code can arrive in the same packet as the
   * channel.
   */
  readonly exit: Promise<number | undefined>
}

function openChannel(ssh: SshClient, { command, terminal, variables }: SessionRequest, world: SessionWorld): Promise<OpenChannel> {
  const env = { ...sentEnvironment(world.environment), ...variables }
  const pty: PseudoTtyOptions | undefined = terminal
    ? { term: world.environment['TERM'] || 'xterm-256color', ...windowOf(world) }
    : undefined
  return new Promise((resolve, reject) => {
    const opened = (error: Error | undefined, channel: ClientChannel): void => {
      if (error) reject(new CommandError(`The workspace refused the session: ${error.message}`, { cause: error }))
      else resolve({ channel, exit: exitOf(channel) })
    }
    if (command !== undefined) ssh.exec(command, { env, ...(pty && { pty }) }, opened)
    else ssh.shell(pty ?? false, { env }, opened)
  })
}

function windowOf({ output }: Pick<World, 'output'>): { rows: number; cols: number; width: number; height: number } {
  return { rows: output.rows ?? defaultRows, cols: output.columns ?? defaultColumns, width: 0, height: 0 }
}

interface Attachment {
  readonly request: SessionRequest
  readonly world: SessionWorld
}

async function attach({ channel, exit }: OpenChannel, { request, world }: Attachment): Promise<number | undefined> {
  const stops = [connectStreams(channel, world)]
  const ended = new Promise<number>((resolve) => {
    // Ending this program must not wait for a workspace that may be out of reach. Losing the
    // connection ends the command there.
    const endBy = (signal: Signal) => () => resolve(signalCode(signal) ?? 1)
    stops.push(world.onSignal('SIGTERM', endBy('SIGTERM')), world.onSignal('SIGHUP', endBy('SIGHUP')))
    if (request.terminal && world.input.isTTY === true) stops.push(lendTerminal(channel, world))
    else stops.push(world.onSignal('SIGINT', carryInterrupt(channel, endBy('SIGINT'))))
  })
  try {
    return await Promise.race([exit, ended])
  } finally {
    for (const stop of stops.toReversed()) stop()
  }
}

function connectStreams(channel: ClientChannel, { input, output, errorOutput }: SessionWorld): () => void {
  const onInputError = (): void => {
    channel.end()
  }
  // A closed output closes the channel, like a local pipe. Remaining data must be read for the
  // close to be seen.
  const onOutputError = (): void => {
    channel.close()
    channel.resume()
  }
  input.on('error', onInputError)
  output.on('error', onOutputError)
  input.pipe(channel)
  channel.pipe(output, { end: false })
  channel.stderr.pipe(errorOutput, { end: false })
  return () => {
    input.unpipe(channel)
    input.pause()
    input.off('error', onInputError)
    output.off('error', onOutputError)
  }
}

/**
 * Sends every key to the workspace unchanged, Ctrl-C included, and keeps it informed of the window
 * size.
 */
function lendTerminal(channel: ClientChannel, world: SessionWorld): () => void {
  world.input.setRawMode?.(true)
  world.keepOutput()
  const stopResizing = world.onSignal('SIGWINCH', () => {
    const { rows, cols, height, width } = windowOf(world)
    channel.setWindow(rows, cols, height, width)
  })
  return () => {
    stopResizing()
    world.input.setRawMode?.(false)
  }
}

/**
 * Forwards Ctrl-C, which is a signal here if the workspace has no terminal. The second one gives
 * up.
 */
function carryInterrupt(channel: ClientChannel, giveUp: () => void): () => void {
  let isInterrupted = false
  return () => {
    // The library sends no signals after the end of standard input.
    if (isInterrupted || !channel.writable) giveUp()
    else channel.signal('INT')
    isInterrupted = true
  }
}

function exitOf(channel: ClientChannel): Promise<number | undefined> {
  return new Promise((resolve) => {
    let code: number | undefined
    channel.on('exit', (status: number | null, signal?: string) => {
      code = status ?? signalCode(signal ?? '')
    })
    channel.on('error', () => undefined)
    channel.once('close', () => {
      // The library only waits for the end of standard output.
      if (channel.stderr.readableEnded || channel.stderr.destroyed) resolve(code)
      else channel.stderr.once('end', () => resolve(code)).once('close', () => resolve(code))
    })
  })
}

/** Returns the exit code a shell reports for a command ended by a signal such as `SIGTERM`. */
function signalCode(name: string): number | undefined {
  const numbers: Readonly<Record<string, number>> = constants.signals
  const number = numbers[name]
  return number === undefined ? undefined : signalCodeBase + number
}
