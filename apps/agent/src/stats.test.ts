import type { TunnelStream } from '@berth/tunnel'
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { TrafficStats } from './stats.ts'

function stream(): TunnelStream {
  // Counting only uses a stream's counts and its close.
  return Object.assign(new EventEmitter(), {
    moved: { bytesRead: 0, bytesWritten: 0, chunksRead: 0, chunksWritten: 0 },
  }) as unknown as TunnelStream
}

test('each report counts what came since the last one, of open and of closed streams', () => {
  const stats = new TrafficStats()
  const [shell, port] = [stream(), stream()]
  stats.add('ssh', shell)
  stats.add('tcp', port)
  Object.assign(shell.moved, { bytesRead: 10, bytesWritten: 100, chunksRead: 1, chunksWritten: 2 })
  expect(stats.take()).toEqual({
    conns_by_proto: { ssh: 1, tcp: 1 },
    num_comms: 2,
    rx_bytes: 10,
    rx_packets: 1,
    tx_bytes: 100,
    tx_packets: 2,
  })
  Object.assign(port.moved, { bytesRead: 5, chunksRead: 1 })
  port.emit('close')
  Object.assign(shell.moved, { bytesWritten: 130, chunksWritten: 3 })
  expect(stats.take()).toEqual({
    conns_by_proto: { ssh: 1, tcp: 1 },
    num_comms: 2,
    rx_bytes: 5,
    rx_packets: 1,
    tx_bytes: 30,
    tx_packets: 1,
  })
  shell.emit('close')
  expect(stats.take()).toMatchObject({ conns_by_proto: { ssh: 1 }, rx_bytes: 0, tx_bytes: 0 })
  expect(stats.take()).toMatchObject({ conns_by_proto: {}, num_comms: 0 })
})
