import { EventEmitter, once } from 'node:events'
import { execOutputBytes, execTimeoutMs, processChannels } from '@berth/schema/rules'
import type { AgentCalls } from '@berth/schema'
import type { ProcessSessions } from '../process-sessions.ts'
import type { ProcessEnd } from '../terminal.ts'
import type { Workspace } from '../workspace.ts'
import { launchOf } from './command-launch.ts'
import { PipedChild } from './piped-child.ts'

type Exec = AgentCalls['processes.exec']

/** What a command has left behind. */
export interface ExecResult {
  answer: Exec['answer']
  stdout: Buffer
  stderr: Buffer
}

/** How long a command may take to end once its time is up, in milliseconds. */
const endGraceMs = 1_000

/**
 * Runs a command to its end. Ends it when its time is up, and when `signal` is aborted. Rejects
 * with `CallFailure` when it can't be started.
 */
export async function execCommand(
  request: Exec['request'],
  { workspace, sessions, signal }: { workspace: Workspace; sessions: ProcessSessions; signal: AbortSignal },
): Promise<ExecResult> {
  const limit = clamp(request.max_output_bytes, 0, execOutputBytes.max)
  const outputs = new Map([processChannels.stdout, processChannels.stderr].map((channel) => [channel as number, new FirstBytes(limit)]))
  const ending = new EventEmitter<{ end: [ProcessEnd] }>()
  const ended = once(ending, 'end') as Promise<[ProcessEnd]>
  const onOutput = (channel: number, bytes: Buffer): void => outputs.get(channel)?.add(bytes)
  const onEnd = (end: ProcessEnd): void => void ending.emit('end', end)
  const child = await PipedChild.start({ launch: launchOf(request, workspace), sessions, onOutput, onEnd })
  child.write(Buffer.from(request.stdin, 'base64'), () => child.endInput())
  let timedOut = false
  const timer = setTimeout(
    () => {
      timedOut = true
      child.end(endGraceMs)
    },
    clamp(request.timeout_ms, 1, execTimeoutMs.max),
  )
  const onAbort = (): void => child.end(endGraceMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const [{ code, signal: endSignal = '' }] = await ended
  clearTimeout(timer)
  signal.removeEventListener('abort', onAbort)
  return resultOf({ exit_code: code, signal: endSignal, timed_out: timedOut }, outputs)
}

function resultOf(end: Pick<Exec['answer'], 'exit_code' | 'signal' | 'timed_out'>, outputs: ReadonlyMap<number, FirstBytes>): ExecResult {
  const read = (channel: number) => outputs.get(channel) ?? new FirstBytes(0)
  const [out, errors] = [read(processChannels.stdout), read(processChannels.stderr)]
  const [stdout, stderr] = [out.content(), errors.content()]
  const answer = {
    ...end,
    stdout_truncated: out.isTruncated,
    stderr_truncated: errors.isTruncated,
    stdout_bytes: stdout.length,
    stderr_bytes: stderr.length,
  }
  return { answer, stdout, stderr }
}

/** Keeps the first bytes of an output, and drops the rest. */
class FirstBytes {
  readonly #limit: number
  readonly #chunks: Buffer[] = []
  #bytes = 0
  isTruncated = false

  constructor(limit: number) {
    this.#limit = limit
  }

  add(chunk: Buffer): void {
    const room = this.#limit - this.#bytes
    if (chunk.length > room) this.isTruncated = true
    if (room <= 0) return
    const kept = chunk.subarray(0, room)
    this.#chunks.push(kept)
    this.#bytes += kept.length
  }

  content(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
