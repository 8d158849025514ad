import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock.ts'

/** What a replica says of the connection that it opens to another one. */
export interface RelayClaim {
  /** The ID of the replica that is asked. Replicas have a new ID each time they start. */
  readonly to: string
  readonly from: string
  /** Milliseconds since the Unix epoch. */
  readonly sentAt: number
  readonly nonce: string
  /** What only the two ends of the TLS connection know. Empty: there is no such secret. */
  readonly channel: string
}

const SECRET_BYTES = 32
const NONCE_BYTES = 16
const VERSION = 'v1'
/** How far the clocks of two replicas may differ. */
const MAX_SKEW_MS = 2 * 60_000

/** Returns a new secret for a deployment. */
export function freshRelaySecret(): Buffer {
  return randomBytes(SECRET_BYTES)
}

/** Returns the key that proves, derived from the deployment's secret. */
export function relayKey(secret: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'berth replica relay v1', SECRET_BYTES))
}

/** Returns a claim that is good for one connection. */
export function newClaim(parts: Omit<RelayClaim, 'nonce'>): RelayClaim {
  return { ...parts, nonce: randomBytes(NONCE_BYTES).toString('base64url') }
}

/** Returns the header with which a replica proves a claim. */
export function askingProof(key: Buffer, claim: RelayClaim): string {
  return `${wordsOf(claim).join(' ')} ${macOf(key, 'ask', claim)}`
}

/** Returns the header with which the replica that was asked proves that it has the key too. */
export function answeringProof(key: Buffer, claim: RelayClaim): string {
  return macOf(key, 'answer', claim)
}

/** Whether the answer to a claim comes from a replica of the same deployment. */
export function isProvenAnswer(key: Buffer, claim: RelayClaim, answer: string): boolean {
  return isEqual(answer, answeringProof(key, claim))
}

/** Checks the proofs of replicas that connect to this one, each of which is good once. */
export class ProofChecker {
  readonly #clock: Clock
  /** The nonces of proofs that would still be good, and when they no longer are. */
  readonly #seen = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Returns what a header proves to the replica `to`; undefined when it proves nothing.
   *
   * @param channel The secret of the TLS connection that the header came by. Undefined: there is
   *   none.
   */
  check(
    header: string,
    { key, to, channel }: { readonly key: Buffer; readonly to: string; readonly channel?: string },
  ): RelayClaim | undefined {
    const [version, ...words] = header.split(' ')
    const [asked = '', from = '', sentAt = '', nonce = '', claimedChannel = '', mac = ''] = words
    if (version !== VERSION || words.length !== 6) return undefined
    const claim = { to: asked, from, sentAt: Number(sentAt), nonce, channel: claimedChannel === '-' ? '' : claimedChannel }
    if (!isEqual(mac, macOf(key, 'ask', claim))) return undefined
    if (asked !== to || (claim.channel !== '' && claim.channel !== channel)) return undefined
    return this.#isFresh(claim) ? claim : undefined
  }

  #isFresh({ nonce, sentAt }: RelayClaim): boolean {
    const now = this.#clock.now().getTime()
    for (const [seen, expiresAt] of this.#seen) if (expiresAt < now) this.#seen.delete(seen)
    if (!(Math.abs(now - sentAt) <= MAX_SKEW_MS) || this.#seen.has(nonce)) return false
    this.#seen.set(nonce, sentAt + MAX_SKEW_MS)
    return true
  }
}

function wordsOf({ to, from, sentAt, nonce, channel }: RelayClaim): string[] {
  return [VERSION, to, from, String(sentAt), nonce, channel === '' ? '-' : channel]
}

function macOf(key: Buffer, side: 'ask' | 'answer', claim: RelayClaim): string {
  return createHmac('sha256', key)
    .update([side, ...wordsOf(claim)].join(' '))
    .digest('base64url')
}

function isEqual(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
