import { spawn } from 'node:child_process'
import type { ServerChannel } from 'ssh2'
import type { ProcessSessions } from '../process-sessions.ts'
import type { Launch } from '../workspace.ts'
import { ChannelOutput } from './channel-output.ts'

/** What a session can do to the process behind its channel. */
export interface RunningProcess {
  signal: (signal: NodeJS.Signals) => void
  /** The client is gone: end what still runs. */
  end: () => void
}

/** Runs a command without a terminal: three separate streams, and the exact way it ended. */
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
    // The process reads no more; what the client still says is dropped, as a closed pipe would.
    channel.unpipe(child.stdin)
    channel.resume()
  })
  child.on('error', (error) => {
    if (pid !== undefined) return
    void output.write(Buffer.from(`The shell ${launch.file} cannot be started: ${error.message}\n`), 'stderr')
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
