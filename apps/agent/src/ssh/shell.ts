import type { ServerChannel } from 'ssh2'
import type { ProcessSessions } from '../process-sessions.ts'
import { Terminal, type TerminalSize } from '../terminal.ts'
import type { Launch } from '../workspace.ts'
import { ChannelOutput } from './channel-output.ts'
import type { RunningProcess } from './command.ts'

export interface ShellOptions {
  channel: ServerChannel
  launch: Launch
  sessions: ProcessSessions
  /** The TERM the client asked for. */
  type: string
  size: TerminalSize
  /** Shown before the process's own output. */
  greeting: string
}

export interface RunningShell extends RunningProcess {
  resize: (size: TerminalSize) => void
}

/** Output beyond this that the client hasn't read pauses the process, in bytes. */
const highWaterBytes = 256 * 1024

/** Runs a command, or the login shell, on a terminal behind a channel. */
export function runShell({ channel, launch, sessions, type, size, greeting }: ShellOptions): RunningShell {
  const output = new ChannelOutput(channel)
  let wanted = size
  let closed = false
  let pendingBytes = 0
  let terminal: Terminal | undefined

  const onOutput = (bytes: Buffer): void => {
    pendingBytes += bytes.length
    if (pendingBytes > highWaterBytes) terminal?.pause()
    void output.write(bytes).then(() => {
      pendingBytes -= bytes.length
      if (pendingBytes <= highWaterBytes) terminal?.resume()
      return undefined
    })
  }
  if (greeting !== '') onOutput(Buffer.from(greeting.replaceAll(/\r?\n/g, '\r\n')))

  const started = Terminal.start({ launch, type, size, sessions, onOutput, onEnd: (end) => void output.exit(end) }).then(
    (ready) => {
      terminal = ready
      ready.resize(wanted)
      if (closed) ready.end()
      return ready
    },
    async (error: Error) => {
      await output.write(Buffer.from(`The terminal could not be started: ${error.message}\r\n`))
      await output.exit({ code: 127, signal: undefined })
      return undefined
    },
  )
  channel.on('data', (bytes: Buffer) => {
    channel.pause()
    void started.then((ready) => ready?.write(bytes, () => channel.resume()))
  })
  const end = (): void => {
    closed = true
    terminal?.end()
  }
  channel.once('close', end)
  return {
    end,
    signal: (signal) => terminal?.signal(signal),
    resize: (next) => {
      wanted = next
      terminal?.resize(next)
    },
  }
}
