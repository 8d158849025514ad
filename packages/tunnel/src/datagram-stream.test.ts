import { once } from 'node:events'
import { Duplex, PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DatagramStream, maxDatagramBytes } from './datagram-stream.ts'

/** Returns what the other end reads when the bytes of some datagrams arrive in other pieces. */
function carried(datagrams: readonly Buffer[], pieceBytes: number): Buffer[] {
  const sent = new PassThrough({ highWaterMark: 2 ** 30 })
  const sender = new DatagramStream(sent, { onDatagram: () => undefined })
  sent.removeAllListeners('data').pause()
  for (const datagram of datagrams) sender.send(datagram)
  const bytes = (sent.read() as Buffer | null) ?? Buffer.alloc(0)
  const arriving = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const read: Buffer[] = []
  void new DatagramStream(arriving, { onDatagram: (datagram) => read.push(Buffer.from(datagram)) })
  for (let at = 0; at < bytes.length; at += pieceBytes) arriving.emit('data', bytes.subarray(at, at + pieceBytes))
  sent.destroy()
  arriving.destroy()
  return read
}

test('datagrams keep their order and their bounds, however the stream cuts them, empty ones too', () => {
  const datagrams = fc.array(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)))
  fc.assert(
    fc.property(datagrams, fc.integer({ min: 1, max: 400 }), (sent, pieceBytes) => {
      expect(carried(sent, pieceBytes)).toEqual(sent)
    }),
  )
})

test('the longest datagram passes, and a longer one is dropped', () => {
  const longest = Buffer.alloc(maxDatagramBytes, 'x')
  expect(carried([longest, Buffer.alloc(maxDatagramBytes + 1), Buffer.from('next')], 1024)).toEqual([longest, Buffer.from('next')])
})

test('a stream that is full loses datagrams and holds no more bytes for them', () => {
  const full = new Duplex({ read() {}, write() {}, highWaterMark: 1000 })
  const datagrams = new DatagramStream(full, { onDatagram: () => undefined })
  for (let count = 0; count < 100; count += 1) datagrams.send(Buffer.alloc(100))
  expect(full.writableLength).toBeLessThanOrEqual(1000 + 102)
  full.destroy()
})

test('a stream without datagrams for a while closes', async () => {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  void new DatagramStream(stream, { onDatagram: () => undefined, idleMs: 1 })
  await once(stream, 'close')
})
