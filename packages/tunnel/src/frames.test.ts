import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, FrameReader } from './frames.ts'

const frames = fc.array(fc.record({ channel: fc.integer({ min: 0, max: 255 }), bytes: fc.uint8Array({ maxLength: 50 }) }), {
  maxLength: 20,
})

test('frames are read back as they were written, however the bytes arrive', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 64 }), (written, chunkBytes) => {
      const bytes = Buffer.concat(written.map(({ channel, bytes: content }) => encodeFrame(channel, content)))
      const reader = new FrameReader(50)
      const read = []
      for (let at = 0; at < bytes.length; at += chunkBytes) read.push(...reader.read(bytes.subarray(at, at + chunkBytes)))
      expect(read).toEqual(written.map((frame) => ({ channel: frame.channel, bytes: Buffer.from(frame.bytes) })))
    }),
  )
})

test('a frame that is too long is refused by its header', () => {
  const reader = new FrameReader(10)
  expect(() => reader.read(encodeFrame(1, Buffer.alloc(11)).subarray(0, 5))).toThrow('A frame has 11 bytes; at most 10 are accepted.')
})
