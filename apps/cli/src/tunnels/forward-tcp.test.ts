import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { TunnelStream } from '@berth/tunnel'
import { expect, onTestFinished, test } from 'vitest'
import { forwardTcp, maxConnections } from './forward-tcp.ts'
import type { Listening } from './listening.ts'

/** A stream stands in for one of a tunnel, of which a forward only uses what every duplex has. */
const asTunnelStream = (stream: Duplex): TunnelStream => stream as TunnelStream

interface Client {
  readonly socket: Socket
  readonly closed: Promise<unknown>
}

async function start(dial: () => Promise<Duplex>): Promise<{ listening: Listening; notes: string[]; open: () => Client }> {
  const notes: string[] = []
  const listening = await forwardTcp(
    { network: 'tcp', host: '127.0.0.1', localPort: 0, remotePort: 80 },
    { dial: async () => asTunnelStream(await dial()), note: (text) => notes.push(text) },
  )
  onTestFinished(() => listening.close())
  const open = (): Client => {
    const socket = connect({ port: Number(listening.address.split(':')[1]), host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve(undefined))) }
  }
  return { listening, notes, open }
}

const never = async (): Promise<Duplex> => await new Promise(() => undefined)

test('what a client sends before the workspace answers is not lost', async () => {
  let answer: ((stream: Duplex) => void) | undefined
  const { open } = await start(async () => await new Promise((resolve) => (answer = resolve)))
  const { socket } = open()
  socket.end('early')
  const echo = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      this.push(chunk)
      done()
    },
    final(done) {
      this.push(null)
      done()
    },
  })
  await expect.poll(() => answer).toBeDefined()
  answer?.(echo)
  expect(String(await buffer(socket))).toBe('early')
})

test('a client that does not read holds back the workspace', async () => {
  let pulled = 0
  const endless = new Duplex({
    read() {
      pulled += 1
      this.push(Buffer.alloc(64 * 1024))
    },
    write: (_chunk, _encoding, done) => done(),
  })
  const { open } = await start(async () => await Promise.resolve(endless))
  const { socket } = open()
  socket.pause()
  let before = -1
  // The kernel takes some megabytes; then nothing moves.
  await expect
    .poll(() => {
      const stalled = pulled > 0 && pulled === before
      before = pulled
      return stalled
    })
    .toBe(true)
  expect(pulled * 64).toBeLessThan(64 * 1024)
})

test('connections above the limit are closed and said once, and the others go on', async () => {
  const { open, notes } = await start(never)
  const clients = Array.from({ length: maxConnections }, open)
  await Promise.all(clients.map(async ({ socket }) => await once(socket, 'connect')))
  const more = [open(), open()]
  await Promise.all(more.map(({ socket, closed }) => (socket.resume(), closed)))
  expect(notes).toEqual([expect.stringContaining(`${maxConnections} connections, which is the limit`)])
  expect(clients.every(({ socket }) => !socket.destroyed)).toBe(true)
})

test('a connection that the workspace refuses is closed, and the same reason is said once', async () => {
  const { open, notes } = await start(() => Promise.reject(new Error('nothing listens there')))
  for (let count = 0; count < 3; count += 1) {
    const { socket, closed } = open()
    socket.resume()
    await closed
  }
  expect(notes).toEqual([expect.stringContaining('nothing listens there')])
})

test('closing ends the connections, those that wait too', async () => {
  let dialled: (() => void) | undefined
  const waits = new Promise<void>((resolve) => (dialled = resolve))
  const { open, listening, notes } = await start(async () => {
    dialled?.()
    return await never()
  })
  const { socket, closed } = open()
  socket.resume()
  await waits
  listening.close()
  await closed
  expect(notes).toEqual([])
})
