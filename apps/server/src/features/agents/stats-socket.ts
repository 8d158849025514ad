import type { AgentStats } from '@berth/schema'
import { maxReportedCount } from '@berth/schema/rules'
import { closeReasons, closeSocket } from '@berth/tunnel'
import type { WebSocket } from 'ws'

/** The counts that an old agent sends. */
type SocketStats = Required<Pick<AgentStats, 'num_comms' | 'rx_bytes' | 'tx_bytes'>>

interface Following {
  readonly intervalMs: number
  /** The last report before this socket opened. */
  readonly last: AgentStats | undefined
  readonly report: (stats: AgentStats) => Promise<unknown>
}

/**
 * Asks an agent for its traffic at once and at every interval, and reports counts that differ from
 * the last ones (Coder v2 API, v0.13.4).
 */
export function followStats(socket: WebSocket, { intervalMs, last, report }: Following): void {
  let previous = last === undefined ? undefined : statsOf(last)
  const take = async (stats: SocketStats): Promise<void> => {
    try {
      if (previous === undefined || !areEqual(previous, stats)) await report(stats)
      previous = stats
    } catch {
      closeSocket(socket, closeReasons.statsNotStored)
    }
    socket.resume()
  }
  const ask = (): void => socket.send('{}')
  const timer = setInterval(ask, intervalMs)
  socket.on('close', () => clearInterval(timer))
  socket.on('message', (data) => {
    const stats = readStats((data as Buffer).toString('utf8'))
    if (stats === undefined) return closeSocket(socket, closeReasons.invalidStats)
    // An agent that sends faster than its reports are stored has to wait.
    socket.pause()
    void take(stats)
    return undefined
  })
  ask()
}

function readStats(text: string): SocketStats | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const stats = statsOf(value)
    return Object.values(stats).every((count) => Number.isInteger(count) && count >= 0 && count <= maxReportedCount) ? stats : undefined
  } catch {
    return undefined
  }
}

function statsOf({ num_comms = 0, rx_bytes = 0, tx_bytes = 0 }: AgentStats): SocketStats {
  return { num_comms, rx_bytes, tx_bytes }
}

function areEqual(a: SocketStats, b: SocketStats): boolean {
  return a.num_comms === b.num_comms && a.rx_bytes === b.rx_bytes && a.tx_bytes === b.tx_bytes
}
