import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { SpeedTestTarget, TunnelStream } from '@berth/tunnel'
import type { Clock } from '../world.ts'
import { SpeedMeter, type SpeedInterval } from './speed-meter.ts'
import type { WorkspaceTunnel } from './workspace-tunnel.ts'

/** What one speed test measured. */
export interface SpeedTestResult {
  readonly direction: SpeedTestTarget['direction']
  /** One for each second. */
  readonly intervals: readonly SpeedInterval[]
  /** From the start until the last byte has arrived. */
  readonly total: SpeedInterval
}

const chunkBytes = 64 * 1024

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
