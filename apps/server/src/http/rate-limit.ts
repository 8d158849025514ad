import { createHash } from 'node:crypto'
import { isIP } from 'node:net'

/** Every limit of the deployment counts requests per minute. */
export const RATE_LIMIT_WINDOW_MS = 60_000

const MAX_KEYS = 100_000

export interface RateLimiterOptions {
  /** Requests per window and key, at least 1. */
  readonly limit: number
  /**
   * Default: {@link RATE_LIMIT_WINDOW_MS}. Windows start at multiples of it since the Unix epoch.
   */
  readonly windowMs?: number
  readonly clock: { now(): Date }
  /** Keys remembered per window. Beyond it, the one seen first is forgotten. */
  readonly maxKeys?: number
}

export interface RateLimitVerdict {
  readonly allowed: boolean
  readonly limit: number
  /** Requests left before this one; 0 when it is refused. */
  readonly remaining: number
  /** When the current window ends, in Unix seconds. */
  readonly resetAtSeconds: number
}

/** Longer keys are stored as hashes, so that long paths can't fill the memory. */
const MAX_KEY_LENGTH = 128

/**
 * Counts requests per key in a sliding window: the current window's count, plus the previous
 * window's count weighted by how much of the current window is left. A request is refused when the
 * rounded sum reaches the limit. Refused requests don't count (Coder v2 API, v0.13.4).
 */
export class RateLimiter {
  readonly #limit: number
  readonly #windowMs: number
  readonly #clock: { now(): Date }
  readonly #maxKeys: number
  #window = 0
  #previous = new Map<string, number>()
  #current = new Map<string, number>()

  constructor({ limit, windowMs = RATE_LIMIT_WINDOW_MS, clock, maxKeys = MAX_KEYS }: RateLimiterOptions) {
    this.#limit = limit
    this.#windowMs = windowMs
    this.#clock = clock
    this.#maxKeys = maxKeys
  }

  /** Counts a request of this key, unless it is refused. */
  check(key: string): RateLimitVerdict {
    const now = this.#clock.now().getTime()
    this.#moveTo(Math.floor(now / this.#windowMs))
    const known = key.length > MAX_KEY_LENGTH ? createHash('sha256').update(key).digest('base64') : key
    const count = this.#current.get(known) ?? 0
    // A clock that was set back can be before the window.
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
 * Returns the part of an address that identifies one client: an IPv4 address, even written as IPv6,
 * or the first 64 bits of an IPv6 address, because a client can choose the rest. Text that isn't an
 * address is returned unchanged.
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

/** Returns the eight 16-bit groups of a valid IPv6 address. */
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
