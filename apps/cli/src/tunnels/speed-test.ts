import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { SpeedTestTarget, TunnelStream } from '@berth/tunnel'
import type { Clock } from '../world.ts'
import type { WorkspaceTunnel } from './workspace-tunnel.ts'

/** Bytes that passed in a part of a speed test. */
export interface SpeedInterval {
  /** Since the start of the test, in milliseconds. */
  readonly fromMs: number
  readonly toMs: number
  readonly bytes: number
}

/** What one speed test measured. */
export interface SpeedTestResult {
  readonly direction: SpeedTestTarget['direction']
  /** One for each second. */
  readonly intervals: readonly SpeedInterval[]
  /** From the start until the last byte has arrived. */
  readonly total: SpeedInterval
}

const chunkBytes = 64 * 1024
const intervalMs = 1000

/** Runs one speed test through a tunnel. */
export async function runSpeedTest(
  tunnel: WorkspaceTunnel,
  target: SpeedTestTarget,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<SpeedTestResult> {
  const stream = await tunnel.dial(target, signal)
  const onAbort = (): void => void stream.destroy(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  const meter = new SpeedMeter(clock)
  try {
    if (target.direction === 'down') await receive(stream, meter)
    else await send(stream, target, { meter, clock })
    return { direction: target.direction, ...meter.result() }
  } finally {
    signal.removeEventListener('abort', onAbort)
    stream.destroy()
  }
}

async function receive(stream: TunnelStream, meter: SpeedMeter): Promise<void> {
  stream.on('data', (chunk: Buffer) => meter.add(chunk.length))
  stream.end()
  await once(stream, 'end')
}

/** Sends until a limit, then waits for the agent to say how much has arrived. */
async function send(
  stream: TunnelStream,
  { durationMs, bytes }: SpeedTestTarget,
  { meter, clock }: { readonly meter: SpeedMeter; readonly clock: Clock },
): Promise<void> {
  const answer = text(stream)
  // A broken stream ends the loop below first.
  answer.catch(() => undefined)
  const chunk = randomBytes(chunkBytes)
  const endsAt = clock.monotonicMs() + durationMs
  for (let left = bytes; left > 0 && clock.monotonicMs() < endsAt; left -= chunkBytes) {
    const piece = chunk.subarray(0, left)
    meter.add(piece.length)
    if (!stream.write(piece)) await once(stream, 'drain')
  }
  stream.end()
  await answer
  meter.add(0)
}

/** Adds up bytes for each second. */
class SpeedMeter {
  readonly #clock: Clock
  readonly #startedAt: number
  readonly #perInterval: number[] = []
  #endedMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.monotonicMs()
  }

  add(bytes: number): void {
    this.#endedMs = this.#clock.monotonicMs() - this.#startedAt
    const index = Math.floor(this.#endedMs / intervalMs)
    while (this.#perInterval.length <= index) this.#perInterval.push(0)
    this.#perInterval[index] = (this.#perInterval[index] ?? 0) + bytes
  }

  result(): Pick<SpeedTestResult, 'intervals' | 'total'> {
    const toMs = (index: number): number => Math.min((index + 1) * intervalMs, this.#endedMs)
    return {
      intervals: this.#perInterval.map((bytes, index) => ({ fromMs: index * intervalMs, toMs: toMs(index), bytes })),
      total: { fromMs: 0, toMs: this.#endedMs, bytes: this.#perInterval.reduce((sum, bytes) => sum + bytes, 0) },
    }
  }
}
