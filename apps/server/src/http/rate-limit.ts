import { createHash } from 'node:crypto'
import { isIP } from 'node:net'

export interface RateLimiterOptions {
  /** Requests per window and key; at least 1. */
  readonly limit: number
  /** Length of a window. Windows begin at multiples of it, counted from the Unix epoch. */
  readonly windowMs: number
  readonly clock: { now(): Date }
  /** How many keys are remembered per window; beyond it the one first seen is forgotten. */
  readonly maxKeys?: number
}

export interface RateLimitVerdict {
  readonly allowed: boolean
  readonly limit: number
  /** What was left before this request; 0 when it is refused. */
  readonly remaining: number
  /** Unix time, in whole seconds, at which the current window ends. */
  readonly resetAtSeconds: number
}

/** Longer keys are remembered by their hash, so that a flood of long paths can't fill the memory. */
const MAX_KEY_LENGTH = 128

/**
 * Counts requests per key in a sliding window: the previous window's count, weighted by how much of the current window is still to come, plus
 * the current count. A request is refused when that, rounded, reaches the limit; refused requests aren't counted (Coder v2 API, v0.13.4).
 */
export class RateLimiter {
  readonly #limit: number
  readonly #windowMs: number
  readonly #clock: { now(): Date }
  readonly #maxKeys: number
  #window = 0
  #previous = new Map<string, number>()
  #current = new Map<string, number>()

  constructor({ limit, windowMs, clock, maxKeys = 100_000 }: RateLimiterOptions) {
    this.#limit = limit
    this.#windowMs = windowMs
    this.#clock = clock
    this.#maxKeys = maxKeys
  }

  /** Counts a request of this key, unless it has to be refused. */
  check(key: string): RateLimitVerdict {
    const now = this.#clock.now().getTime()
    this.#moveTo(Math.floor(now / this.#windowMs))
    const known = key.length > MAX_KEY_LENGTH ? createHash('sha256').update(key).digest('base64') : key
    const count = this.#current.get(known) ?? 0
    // A clock that was set back lands before the window; nothing of it has elapsed then.
    const elapsed = Math.max(0, now - this.#window * this.#windowMs) / this.#windowMs
    const rate = Math.round((this.#previous.get(known) ?? 0) * (1 - elapsed) + count)
    const allowed = rate < this.#limit
    if (allowed) this.#count(known, count + 1)
    return {
      allowed,
      limit: this.#limit,
      remaining: allowed ? this.#limit - rate : 0,
      resetAtSeconds: Math.ceil(((this.#window + 1) * this.#windowMs) / 1000),
    }
  }

  #count(key: string, count: number): void {
    if (count === 1 && this.#current.size >= this.#maxKeys) {
      for (const oldest of this.#current.keys()) {
        this.#current.delete(oldest)
        break
      }
    }
    this.#current.set(key, count)
  }

  #moveTo(window: number): void {
    if (window <= this.#window) return
    this.#previous = window === this.#window + 1 ? this.#current : new Map()
    this.#current = new Map()
    this.#window = window
  }
}

/**
 * The part of a client's address that stands for one client: an IPv4 address itself, also where it is written as IPv6, and the first 64 bits
 * of an IPv6 address, as one client has all of the rest to choose from. A text that is no address is its own key.
 */
export function addressKey(ip: string): string {
  const [address = ''] = ip.split('%')
  if (isIP(address) !== 6) return ip
  const groups = ipv6Groups(address)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.')
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

/** The eight 16-bit groups of a valid IPv6 address. */
function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const first = groupsOf(head)
  if (tail === undefined) return first
  const last = groupsOf(tail)
  return [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last]
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
