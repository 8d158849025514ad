/**
 * One command or shell over an SSH connection, with the local terminal as its own.
 * @module
 */
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import type { ClientChannel, Client as SshClient, PseudoTtyOptions } from 'ssh2'
import { CommandError } from '../failures.ts'
import type { Environment, Signal, World } from '../world.ts'

/** What to run. */
export interface SessionRequest {
  readonly username: string
  /** Runs in a shell at the far end; undefined for an interactive shell. */
  readonly command: string | undefined
  /** Whether the far end gets a terminal. */
  readonly terminal: boolean
}

type SessionWorld = Pick<World, 'environment' | 'input' | 'output' | 'errorOutput' | 'onSignal'>

/**
 * Runs a session over a byte stream to an SSH server, until it is over.
 *
 * The host key is not checked and nobody signs in: the stream itself is authenticated at both ends.
 *
 * @returns the exit status; 128 plus the signal's number when a signal ended the far end or this end; undefined when the connection broke.
 */
export async function runSession(stream: Duplex, request: SessionRequest, world: SessionWorld): Promise<number | undefined> {
  const ssh = await connect(stream, request.username)
  try {
    return await attach(await openChannel(ssh, request, world), { request, world })
  } finally {
    ssh.end()
  }
}

async function connect(stream: Duplex, username: string): Promise<SshClient> {
  // Loaded here, since it is the larger part of the program and other commands start without it.
  const { default: ssh2 } = await import('ssh2')
  const ssh = new ssh2.Client()
  return new Promise((resolve, reject) => {
    ssh.once('ready', () => {
      // Whatever breaks later shows as a channel that closes without a status.
      ssh.on('error', () => undefined)
      resolve(ssh)
    })
    ssh.once('error', (error) => reject(new CommandError(`The workspace does not answer over SSH: ${error.message}`, { cause: error })))
    ssh.once('close', () => reject(new CommandError('The connection to the workspace closed before it was up.')))
    ssh.connect({
      sock: stream,
      username,
      authHandler: ['none'],
      hostVerifier: () => true,
      readyTimeout: 30_000,
      keepaliveInterval: 15_000,
      keepaliveCountMax: 3,
    })
  })
}

/** Language and colour settings travel along, as OpenSSH clients are usually set up to send them. */
function sentEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && (name === 'LANG' || name === 'COLORTERM' || name.startsWith('LC_')) ? [[name, value]] : [],
    ),
  )
}

interface OpenChannel {
  readonly channel: ClientChannel
  /** Listened for from the start: the status of a quick command comes in the same packet as the channel. */
  readonly exit: Promise<number | undefined>
}

function openChannel(ssh: SshClient, { command, terminal }: SessionRequest, world: SessionWorld): Promise<OpenChannel> {
  const env = sentEnvironment(world.environment)
  const pty: PseudoTtyOptions | undefined = terminal
    ? { term: world.environment['TERM'] || 'xterm-256color', ...windowOf(world) }
    : undefined
  return new Promise((resolve, reject) => {
    const opened = (error: Error | undefined, channel: ClientChannel): void => {
      if (error) reject(new CommandError(`The workspace refuses the session: ${error.message}`, { cause: error }))
      else resolve({ channel, exit: exitOf(channel) })
    }
    if (command !== undefined) ssh.exec(command, { env, ...(pty && { pty }) }, opened)
    else ssh.shell(pty ?? false, { env }, opened)
  })
}

function windowOf({ output }: Pick<World, 'output'>): { rows: number; cols: number; width: number; height: number } {
  return { rows: output.rows ?? 24, cols: output.columns ?? 80, width: 0, height: 0 }
}

interface Attachment {
  readonly request: SessionRequest
  readonly world: SessionWorld
}

async function attach({ channel, exit }: OpenChannel, { request, world }: Attachment): Promise<number | undefined> {
  const stops = [connectStreams(channel, world)]
  const ended = new Promise<number>((resolve) => {
    // Whoever ends this program must not have to wait for a far end that may be out of reach; losing the connection ends it there.
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
  // Nobody reads on: the far end learns of it as it would in a local pipe. What is on its way has to be taken for the close to be seen.
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

/** Every key goes to the far end as it is, Ctrl-C too, and it learns of the size of the window. */
function lendTerminal(channel: ClientChannel, world: SessionWorld): () => void {
  world.input.setRawMode?.(true)
  const stopResizing = world.onSignal('SIGWINCH', () => {
    const { rows, cols, height, width } = windowOf(world)
    channel.setWindow(rows, cols, height, width)
  })
  return () => {
    stopResizing()
    world.input.setRawMode?.(false)
  }
}

/** Without a terminal at the far end, Ctrl-C is a signal here and has to be carried over; the second one gives up. */
function carryInterrupt(channel: ClientChannel, giveUp: () => void): () => void {
  let isInterrupted = false
  return () => {
    // After the end of standard input, the library sends no signals any more.
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
      // The library waits for the end of standard output only.
      if (channel.stderr.readableEnded || channel.stderr.destroyed) resolve(code)
      else channel.stderr.once('end', () => resolve(code)).once('close', () => resolve(code))
    })
  })
}

/** What a shell reports for a command that a signal such as `SIGTERM` ended. */
function signalCode(name: string): number | undefined {
  const numbers: Readonly<Record<string, number>> = constants.signals
  const number = numbers[name]
  return number === undefined ? undefined : 128 + number
}
