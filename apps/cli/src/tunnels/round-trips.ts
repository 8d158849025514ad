import { once } from 'node:events'
import type { TunnelStream } from '@berth/tunnel'
import type { Clock } from '../world.ts'
import type { WorkspaceTunnel } from './workspace-tunnel.ts'

/** The times of one ping, in milliseconds. */
export interface RoundTrip {
  /** To the agent and back. */
  readonly agentMs: number
  /** To the server and back, which is a part of the way. */
  readonly serverMs: number
}

/** Short and long ones of several round trips, in milliseconds. */
export interface Spread {
  readonly min: number
  readonly avg: number
  readonly p50: number
  readonly max: number
}

const pingBytes = 8

/** Pings an agent over one stream that sends back what it gets. */
export class RoundTrips {
  readonly #tunnel: WorkspaceTunnel
  readonly #clock: Clock
  #echo: TunnelStream | undefined
  #sent = 0

  constructor(tunnel: WorkspaceTunnel, clock: Clock) {
    this.#tunnel = tunnel
    this.#clock = clock
  }

  /**
   * Pings once. Rejects with the signal's reason if it is aborted first, and when the stream
   * breaks; the next ping then opens another stream.
   */
  async ping(signal: AbortSignal): Promise<RoundTrip> {
    try {
      const serverMs = await this.#tunnel.pingServer(signal)
      const echo = (this.#echo ??= await this.#tunnel.dial({ kind: 'echo' }, signal))
      const startedAt = this.#clock.monotonicMs()
      const sent = Buffer.alloc(pingBytes)
      sent.writeUInt32BE((this.#sent += 1))
      echo.write(sent)
      await readBytes(echo, signal)
      return { agentMs: this.#clock.monotonicMs() - startedAt, serverMs }
    } catch (error) {
      this.#echo?.destroy()
      this.#echo = undefined
      throw error
    }
  }
}

/** Waits until the bytes of one ping have arrived. */
async function readBytes(echo: TunnelStream, signal: AbortSignal): Promise<void> {
  while (echo.read(pingBytes) === null) {
    if (echo.destroyed) throw new Error('The connection to the agent broke off.')
    await once(echo, 'readable', { signal })
  }
}

/** Summarizes the times of at least one round trip. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b)
  const [min = 0, max = 0] = [sorted[0], sorted.at(-1)]
  const middle = sorted.length / 2
  const [below = 0, above = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return { min, avg: sorted.reduce((sum, time) => sum + time, 0) / sorted.length, p50: (below + above) / 2, max }
}
