import { expect, test } from 'vitest'
import { Scrollback } from './scrollback.ts'

test('holds exactly the last bytes, never more than its limit, whatever the pieces', () => {
  for (let limit = 1; limit <= 40; limit += 3) {
    for (let step = 1; step <= 50; step += 7) {
      const scrollback = new Scrollback(limit)
      let all = Buffer.alloc(0)
      for (let round = 0; round < 30; round += 1) {
        const chunk = Buffer.from(Array.from({ length: (round * step) % 60 }, (_, index) => (round * 31 + index) % 256))
        scrollback.add(chunk)
        all = Buffer.concat([all, chunk])
        expect(scrollback.content().equals(all.subarray(Math.max(0, all.length - limit)))).toBe(true)
      }
    }
  }
})
