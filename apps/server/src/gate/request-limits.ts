import type { IncomingMessage } from 'node:http'
import { Failure } from '@berth/schema'
import { parseBool } from '@berth/schema/rules'
import type { Clock } from '../clock.ts'
import type { Actor } from '../http/caller.ts'
import type { RateLimited } from '../http/identify.ts'
import { RateLimiter, addressKey } from '../http/rate-limit.ts'

const WINDOW_MS = 60_000

/**
 * Returns a function that counts each request against the deployment's limit and the endpoint's
 * own. It sets the rate-limit headers, and throws `rate_limited` and `bypass_forbidden`.
 *
 * `apiRateLimit` is in requests a minute for one caller on one path; negative for no limit.
 */
export function requestLimiter({
  clock,
  apiRateLimit,
}: {
  readonly clock: Clock
  readonly apiRateLimit: number
}): (request: RateLimited) => void {
  const general = apiRateLimit < 0 ? undefined : new RateLimiter({ limit: apiRateLimit, windowMs: WINDOW_MS, clock })
  const special = new Map<number, RateLimiter>()
  const specialLimiter = (limit: number): RateLimiter => {
    const limiter = special.get(limit) ?? new RateLimiter({ limit, windowMs: WINDOW_MS, clock })
    special.set(limit, limiter)
    return limiter
  }
  return (request) => {
    if (general === undefined || bypasses(request)) return
    const { spec, path, actor, origin, response } = request
    const key = `${actor?.user_id ?? addressKey(origin.ip)}:${path}`
    // An endpoint's own limit counts only signed-in callers, unless the endpoint is open to anyone.
    const isCounted = spec?.access === 'anyone' || actor !== undefined
    const limiters = spec?.requestsPerMinute === undefined || !isCounted ? [general] : [general, specialLimiter(spec.requestsPerMinute)]
    for (const limiter of limiters) {
      const { allowed, limit, remaining, resetAtSeconds } = limiter.check(key)
      response.setHeader('X-RateLimit-Limit', limit)
      response.setHeader('X-RateLimit-Remaining', remaining)
      response.setHeader('X-RateLimit-Reset', resetAtSeconds)
      if (allowed) continue
      response.setHeader('Retry-After', WINDOW_MS / 1000)
      throw new Failure('rate_limited', {
        message: `You've been rate limited for sending more than ${limit} requests in 1m0s.`,
      })
    }
  }
}

/**
 * Whether an owner asks to skip the limits. Throws `bypass_forbidden` if anyone else asks
 * (Coder v2 API, v0.13.4).
 */
function bypasses({ request, actor }: { readonly request: IncomingMessage; readonly actor: Actor | undefined }): boolean {
  const header = request.headers['x-coder-bypass-ratelimit']
  if (typeof header !== 'string' || actor === undefined) return false
  try {
    if (!parseBool(header)) return false
  } catch {
    return false
  }
  if (!actor.permissions.roles.includes('owner')) throw new Failure('bypass_forbidden')
  return true
}
