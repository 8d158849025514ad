import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import type { TunnelStream } from '@berth/tunnel'
import { expect, onTestFinished, test } from 'vitest'
import { forwardUdp, maxSenders } from './forward-udp.ts'

/** The workspace's end: each stream with what it was sent. */
class FarStream extends Duplex {
  received = Buffer.alloc(0)

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.received = Buffer.concat([this.received, chunk])
    done()
  }
}

async function start(ready: Promise<void> = Promise.resolve()): Promise<{ streams: FarStream[]; port: number }> {
  const streams: FarStream[] = []
  const listening = await forwardUdp(
    { network: 'udp', host: '127.0.0.1', localPort: 0, remotePort: 53 },
    {
      dial: async () => {
        const stream = new FarStream()
        streams.push(stream)
        await ready
        // A forward only uses what every duplex has.
        return stream as unknown as TunnelStream
      },
      note: () => undefined,
    },
  )
  onTestFinished(() => listening.close())
  return { streams, port: Number(listening.address.split(':')[1]) }
}

function sender(): Socket {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  return socket
}

async function send(socket: Socket, text: string, port: number): Promise<void> {
  await new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve))
}

const framed = (text: string): string => `\0${String.fromCharCode(text.length)}${text}`

test('each sender has a stream of its own, and gets its own answers', async () => {
  const { streams, port } = await start()
  const [one, two] = [sender(), sender()]
  await send(one, 'from one', port)
  await expect.poll(() => streams[0]?.received.toString()).toBe(framed('from one'))
  await send(two, 'from two', port)
  await expect.poll(() => streams[1]?.received.toString()).toBe(framed('from two'))
  const answers = Promise.all([one, two].map(async (socket) => String(((await once(socket, 'message')) as [Buffer])[0])))
  streams[1]?.push(framed('to two'))
  streams[0]?.push(framed('to one'))
  expect(await answers).toEqual(['to one', 'to two'])
})

test('datagrams wait for the workspace, but only so many bytes of them', async () => {
  let answer: (() => void) | undefined
  const { streams, port } = await start(new Promise((resolve) => (answer = resolve)))
  const socket = sender()
  for (let count = 0; count < 10; count += 1) await send(socket, String(count).repeat(50_000), port)
  await send(socket, 'end', port)
  await expect.poll(() => streams.length).toBe(1)
  answer?.()
  await expect.poll(() => streams[0]?.received.includes('end')).toBe(true)
  expect(streams[0]?.received.length).toBeLessThanOrEqual(3 * 50_002)
})

test('one sender too many takes the place of the one heard from longest ago', async () => {
  const { streams, port } = await start()
  const first = sender()
  await send(first, 'hello', port)
  await expect.poll(() => streams.length).toBe(1)
  for (let count = 1; count < maxSenders; count += 1) await send(sender(), 'hello', port)
  await expect.poll(() => streams.length).toBe(maxSenders)
  await send(first, 'again', port)
  await expect.poll(() => streams[0]?.received.includes('again')).toBe(true)
  await send(sender(), 'hello', port)
  await expect.poll(() => streams.filter((stream) => stream.destroyed).length).toBe(1)
  expect(streams[0]?.destroyed).toBe(false)
})
