import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { deferred } from '../test/deferred.ts'
import { readAll } from '../test/read-all.ts'
import { tunnelPair, type TunnelPair } from '../test/socket-pair.ts'
import { pipeBoth, TunnelStreamReset, type PipedBytes, type TunnelStream } from './index.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

interface Forwarding {
  pair: TunnelPair
  dial: () => Promise<TunnelStream>
  piped: Promise<PipedBytes>[]
}

/** A tunnel whose far end forwards every stream to a TCP server. */
async function forwardingTo(onConnection: (socket: Socket) => void): Promise<Forwarding> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const piped: Promise<PipedBytes>[] = []
  const pair = await tunnelPair(async ({ accept }) => {
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    piped.push(pipeBoth(accept(), socket))
  })
  stops.push(
    () => pair.stop(),
    () => server.close(),
  )
  return { pair, dial: () => pair.dialing.dial('forward'), piped }
}

test('a conversation passes whole, and the bytes of each way are counted', async () => {
  const question = randomBytes(3_000_001)
  const answer = randomBytes(2_000_003)
  const heard = deferred<Buffer>()
  const { dial, piped } = await forwardingTo((socket) => {
    void readAll(socket).then(heard.resolve)
    socket.once('end', () => socket.end(answer))
  })
  const stream = await dial()
  stream.end(question)
  expect((await readAll(stream)).equals(answer)).toBe(true)
  expect((await heard.promise).equals(question)).toBe(true)
  expect(await piped[0]).toEqual({ aToB: question.length, bToA: answer.length })
  expect(stream.moved).toMatchObject({ bytesRead: answer.length, bytesWritten: question.length })
})

test('an end at one side leaves the other direction open', async () => {
  const { dial, piped } = await forwardingTo((socket) => {
    socket.end('goodbye')
    void readAll(socket).then((words) => (late = String(words)))
  })
  let late = ''
  const stream = await dial()
  expect(await readAll(stream).then(String)).toBe('goodbye')
  stream.end('one more thing')
  await piped[0]
  await expect.poll(() => late).toBe('one more thing')
})

test('a reset of the TCP connection breaks the stream, and a broken stream the TCP connection', async () => {
  const sockets: Socket[] = []
  const { dial } = await forwardingTo((socket) => {
    sockets.push(socket)
    socket.write('hello')
    socket.resume()
  })
  const first = await dial()
  await once(first, 'data')
  sockets[0]?.resetAndDestroy()
  const [error] = (await once(first, 'error')) as [Error]
  expect(error).toBeInstanceOf(TunnelStreamReset)
  const second = await dial()
  await once(second, 'data')
  second.destroy()
  await expect.poll(() => sockets[1]?.destroyed).toBe(true)
})

test('a slow reader holds back the source through both hops', async () => {
  let sent = 0
  const { dial } = await forwardingTo((socket) => {
    const piece = randomBytes(64 * 1024)
    const pump = (): void => {
      while (!socket.destroyed) {
        sent += piece.length
        if (!socket.write(piece)) break
      }
    }
    socket.on('drain', pump)
    pump()
  })
  const stream = await dial()
  await expect.poll(() => sent, { timeout: 10_000 }).toBeGreaterThan(0)
  let before = -1
  while (before !== sent) {
    before = sent
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
  }
  expect(sent).toBeLessThan(32 * 1024 * 1024)
  stream.destroy()
})

test('a tunnel that closes ends the TCP connection and resolves with what was moved', async () => {
  const { pair, dial, piped } = await forwardingTo((socket) => socket.write('12345'))
  const stream = await dial()
  stream.on('error', () => undefined)
  await once(stream, 'data')
  pair.cut()
  expect(await piped[0]).toEqual({ aToB: 0, bToA: 5 })
})
