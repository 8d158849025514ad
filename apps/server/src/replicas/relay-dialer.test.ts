import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, type Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { RelayDialer } from './relay-dialer.ts'
import { relayKey } from './relay-proof.ts'
import { RelayService } from './relay-service.ts'

const AGENT = '00000000-0000-4000-8000-000000000001'
const ABSENT = '00000000-0000-4000-8000-000000000002'
const shared = {
  clock: { now: () => new Date() },
  logger: pino({ level: 'silent' }),
  key: async () => await Promise.resolve(relayKey(Buffer.alloc(32))),
}

/** A replica that holds one agent, which echoes. */
async function startHolder() {
  const service = new RelayService({
    ...shared,
    replicaId: 'holder',
    dialHere: (agentId) => (agentId === AGENT ? Promise.resolve(new PassThrough()) : undefined),
  })
  const server = createServer()
  const serve = vi.fn(async (request: Parameters<RelayService['serve']>[0], socket: Duplex) => await service.serve(request, () => socket))
  server.on('upgrade', (request, socket: Duplex) => void serve(request, socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = (): void => {
    service.close()
    server.close()
  }
  onTestFinished(stop)
  const { port } = server.address() as AddressInfo // of a TCP server
  return { to: { replicaId: 'holder', relayUrl: `http://127.0.0.1:${port}` }, connections: () => serve.mock.calls.length, stop }
}

function startDialer(idleMs?: number): RelayDialer {
  const dialer = new RelayDialer({ ...shared, replicaId: 'asker', ...(idleMs !== undefined && { idleMs }) })
  onTestFinished(async () => await dialer.close())
  return dialer
}

const ssh = { agentId: AGENT, target: 'ssh' }

test('dials of one replica share a connection, and each stream is its own', async () => {
  const { to, connections } = await startHolder()
  const dialer = startDialer()
  expect(dialer.isConnectedTo('holder')).toBe(false)
  const said = ['one', 'two', 'three'].map(async (word) => {
    const stream = await dialer.dial(to, ssh)
    stream.end(word)
    return await text(stream)
  })
  expect(await Promise.all(said)).toEqual(['one', 'two', 'three'])
  expect(connections()).toBe(1)
  expect(dialer.isConnectedTo('holder')).toBe(true)
})

test('a connection without streams closes after a while, and the next dial opens another', async () => {
  verifies('replicas:relay:idle')
  const { to, connections } = await startHolder()
  const dialer = startDialer(30)
  const stream = await dialer.dial(to, ssh)
  stream.destroy()
  await expect.poll(() => dialer.isConnectedTo('holder')).toBe(false)
  ;(await dialer.dial(to, ssh)).destroy()
  expect(connections()).toBe(2)
})

test('a replica that does not hold the agent says so, and one that is away fails the dial and its streams', async () => {
  const { to, stop } = await startHolder()
  const dialer = startDialer()
  await expect(dialer.dial(to, { agentId: ABSENT, target: 'ssh' })).rejects.toMatchObject({ name: 'RelayFailed', isReached: true })
  const stream = await dialer.dial(to, ssh)
  const broken = expect(text(stream)).rejects.toThrow()
  stop()
  await broken
  await expect(dialer.dial(to, ssh)).rejects.toMatchObject({ name: 'RelayFailed', isReached: false })
})
