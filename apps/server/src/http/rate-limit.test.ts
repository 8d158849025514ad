import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { RateLimiter, addressKey } from './rate-limit.ts'

const minute = 60_000
const start = Date.parse('2022-12-19T10:00:00Z')
let now = start
const clock = { now: () => new Date(now) }

beforeEach(() => {
  now = start
})

describe('RateLimiter', () => {
  it('the first request sees the whole limit, and the limit is how many pass', () => {
    const limiter = new RateLimiter({ limit: 3, windowMs: minute, clock })
    const end = start / 1000 + 60
    expect(limiter.check('a')).toEqual({ allowed: true, limit: 3, remaining: 3, resetAtSeconds: end })
    expect(limiter.check('a')).toEqual({ allowed: true, limit: 3, remaining: 2, resetAtSeconds: end })
    expect(limiter.check('a')).toEqual({ allowed: true, limit: 3, remaining: 1, resetAtSeconds: end })
    expect(limiter.check('a')).toEqual({ allowed: false, limit: 3, remaining: 0, resetAtSeconds: end })
  })

  it('each key has its own count', () => {
    const limiter = new RateLimiter({ limit: 1, windowMs: minute, clock })
    expect(['a', 'b', 'a', 'b'].map((key) => limiter.check(key).allowed)).toEqual([true, true, false, false])
  })

  it('the previous window counts in proportion to what is left of the current one', () => {
    const limiter = new RateLimiter({ limit: 10, windowMs: minute, clock })
    for (let request = 0; request < 10; request++) limiter.check('a')
    now = start + minute
    expect(limiter.check('a').allowed).toBe(false)
    now = start + minute + minute / 2
    expect(limiter.check('a')).toMatchObject({ allowed: true, remaining: 5, resetAtSeconds: start / 1000 + 120 })
    expect(limiter.check('a').remaining).toBe(4)
  })

  it('a rate is rounded before it is compared: 9.5 is refused where 9.4 passes', () => {
    const limiter = new RateLimiter({ limit: 10, windowMs: minute, clock })
    for (let request = 0; request < 10; request++) limiter.check('a')
    now = start + minute + minute * 0.05
    expect(limiter.check('a').allowed).toBe(false)
    now = start + minute + minute * 0.06
    expect(limiter.check('a')).toMatchObject({ allowed: true, remaining: 1 })
  })

  it('refused requests are not counted', () => {
    const limiter = new RateLimiter({ limit: 2, windowMs: minute, clock })
    for (let request = 0; request < 1000; request++) limiter.check('a')
    now = start + minute * 1.6
    expect(limiter.check('a')).toMatchObject({ allowed: true, remaining: 1 })
  })

  it('two windows later nothing is remembered', () => {
    const limiter = new RateLimiter({ limit: 1, windowMs: minute, clock })
    limiter.check('a')
    now = start + 2 * minute
    expect(limiter.check('a').allowed).toBe(true)
  })

  it('windows begin at whole minutes, whenever the first request comes', () => {
    now = start + 59_999
    const limiter = new RateLimiter({ limit: 4, windowMs: minute, clock })
    expect(limiter.check('a').resetAtSeconds).toBe(start / 1000 + 60)
    now = start + minute
    expect(limiter.check('a')).toMatchObject({ remaining: 3, resetAtSeconds: start / 1000 + 120 })
  })

  it('a clock that is set back neither frees nor locks', () => {
    const limiter = new RateLimiter({ limit: 2, windowMs: minute, clock })
    limiter.check('a')
    now = start - 5 * minute
    expect(limiter.check('a').allowed).toBe(true)
    expect(limiter.check('a').allowed).toBe(false)
    expect(limiter.check('b').allowed).toBe(true)
  })

  it('beyond the cap, the key seen first is forgotten', () => {
    const limiter = new RateLimiter({ limit: 1, windowMs: minute, clock, maxKeys: 2 })
    limiter.check('a')
    limiter.check('b')
    limiter.check('c')
    expect(limiter.check('b').allowed).toBe(false)
    expect(limiter.check('c').allowed).toBe(false)
    expect(limiter.check('a').allowed).toBe(true)
  })

  it('long keys are told apart to their last character', () => {
    const limiter = new RateLimiter({ limit: 1, windowMs: minute, clock })
    const path = `1.2.3.4:/api/v2/${'x'.repeat(10_000)}`
    expect(limiter.check(`${path}a`).allowed).toBe(true)
    expect(limiter.check(`${path}b`).allowed).toBe(true)
    expect(limiter.check(`${path}a`).allowed).toBe(false)
  })

  it('the weighted rate of admitted requests never exceeds the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(20_000), { maxLength: 300 }), (limit, steps) => {
        now = start
        const limiter = new RateLimiter({ limit, windowMs: minute, clock })
        const admitted: number[] = []
        for (const step of steps) {
          now += step
          const windowStart = now - (now % minute)
          const current = admitted.filter((at) => at >= windowStart).length
          const previous = admitted.filter((at) => at >= windowStart - minute && at < windowStart).length
          const rate = Math.round(previous * (1 - (now - windowStart) / minute) + current)
          const verdict = limiter.check('a')
          expect(verdict.allowed).toBe(rate < limit)
          expect(verdict.remaining).toBe(Math.max(0, limit - rate))
          if (verdict.allowed) admitted.push(now)
        }
      }),
    )
  })
})

const text = (groups: number[]) => groups.map((group) => group.toString(16)).join(':')

describe('addressKey', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0000:ffff::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/64'],
    ['::203.0.113.9', '0:0:0:0::/64'],
    ['', ''],
    ['/run/berth.sock', '/run/berth.sock'],
  ])('%s counts as %s', (ip, key) => expect(addressKey(ip)).toBe(key))

  it('addresses share a key exactly when they share their first 64 bits', () => {
    const groups = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, groups, (a, b) => {
        expect(addressKey(text([...a.slice(0, 4), ...b.slice(4)]))).toBe(addressKey(text(a)))
        expect(addressKey(text(a)) === addressKey(text(b))).toBe(text(a.slice(0, 4)) === text(b.slice(0, 4)))
      }),
    )
  })
})
