import { spawn } from 'node:child_process'
import type { ServerChannel } from 'ssh2'
import type { ProcessSessions } from '../process-sessions.ts'
import type { Launch } from '../workspace.ts'
import { ChannelOutput } from './channel-output.ts'

/** A process behind a channel, as its session controls it. */
export interface RunningProcess {
  signal: (signal: NodeJS.Signals) => void
  /** Ends the process if it still runs, because the client disconnected. */
  end: () => void
}

/**
 * Runs a command without a terminal: with three separate streams, and its exact exit code or
 * signal.
 */
export function runCommand({
  channel,
  launch,
  sessions,
}: {
  channel: ServerChannel
  launch: Launch
  sessions: ProcessSessions
}): RunningProcess {
  const output = new ChannelOutput(channel)
  const child = spawn(launch.file, launch.args, { cwd: launch.cwd, env: launch.environment, stdio: 'pipe', detached: true })
  const { pid } = child
  let running = pid !== undefined
  if (pid !== undefined) sessions.add(pid)
  const written = [output.writeAll(child.stdout, 'stdout'), output.writeAll(child.stderr, 'stderr')]

  channel.pipe(child.stdin)
  child.stdin.on('error', () => {
    // The process has stopped reading. Drop what the client still sends, as a closed pipe does.
    channel.unpipe(child.stdin)
    channel.resume()
  })
  child.on('error', (error) => {
    if (pid !== undefined) return
    void output.write(Buffer.from(`The shell ${launch.file} could not be started: ${error.message}\n`), 'stderr')
    void output.exit({ code: 127, signal: undefined })
  })
  child.once('exit', (code, signal) => {
    running = false
    if (pid !== undefined) sessions.ended(pid)
    void Promise.all(written).then(() => output.exit({ code: code ?? 255, signal: signal ?? undefined }))
  })
  const end = (): void => {
    if (running && pid !== undefined) sessions.end(pid)
  }
  channel.once('close', end)
  return {
    end,
    signal: (signal) => {
      if (running && pid !== undefined) sessions.signal(pid, signal)
    },
  }
}
