import type { AgentStats } from '@berth/schema'
import type { TunnelStream } from '@berth/tunnel'

/** What a stream is used for, as reports name it. */
export type StreamKind = 'ssh' | 'pty' | 'tcp' | 'udp' | 'call'

/** Counts the traffic of the workspace between reports. */
export class TrafficStats {
  readonly #open = new Set<{ kind: StreamKind; stream: TunnelStream }>()
  #connections = new Map<StreamKind, number>()
  #finished = emptyCounts()
  #reported = emptyCounts()

  /** Counts a stream until it closes. */
  add(kind: StreamKind, stream: TunnelStream): void {
    const entry = { kind, stream }
    this.#open.add(entry)
    this.#connections.set(kind, (this.#connections.get(kind) ?? 0) + 1)
    stream.once('close', () => {
      this.#open.delete(entry)
      this.#finished = sum(this.#finished, stream.moved)
    })
  }

  /**
   * Returns the counts since the last call. A connection counts in each report during which it was
   * open.
   */
  take(): AgentStats {
    const total = [...this.#open].reduce((all, { stream }) => sum(all, stream.moved), this.#finished)
    const before = this.#reported
    const connections = Object.fromEntries(this.#connections)
    this.#reported = total
    this.#connections = new Map()
    for (const { kind } of this.#open) this.#connections.set(kind, (this.#connections.get(kind) ?? 0) + 1)
    return {
      conns_by_proto: connections,
      num_comms: Object.values(connections).reduce((all, count) => all + count, 0),
      rx_packets: total.chunksRead - before.chunksRead,
      rx_bytes: total.bytesRead - before.bytesRead,
      tx_packets: total.chunksWritten - before.chunksWritten,
      tx_bytes: total.bytesWritten - before.bytesWritten,
    }
  }
}

type Counts = TunnelStream['moved']

function emptyCounts(): Counts {
  return { bytesRead: 0, bytesWritten: 0, chunksRead: 0, chunksWritten: 0 }
}

function sum(a: Counts, b: Counts): Counts {
  return {
    bytesRead: a.bytesRead + b.bytesRead,
    bytesWritten: a.bytesWritten + b.bytesWritten,
    chunksRead: a.chunksRead + b.chunksRead,
    chunksWritten: a.chunksWritten + b.chunksWritten,
  }
}
