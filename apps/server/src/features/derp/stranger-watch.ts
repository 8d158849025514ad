import { ProtocolError, type Frame } from './frames.ts'
import type { Peer, Relay } from './relay.ts'

/** Limits on a client that the deployment doesn't know. */
export interface StrangerLimits {
  /** How long a client may stay a stranger, after it has identified itself. */
  readonly strangerTimeoutMs: number
  /** How much a stranger may send in that time. Its packets are dropped. */
  readonly strangerBytes: number
}

/** Ends the connection of a client that stays a stranger, or sends a lot as one. */
export class StrangerWatch {
  readonly #relay: Relay
  readonly #limits: StrangerLimits
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(relay: Relay, limits: StrangerLimits) {
    this.#relay = relay
    this.#limits = limits
  }

  start(peer: Peer): void {
    this.#timer = setTimeout(() => {
      if (!this.#relay.knows(peer)) peer.close('the coordinator does not know the client')
    }, this.#limits.strangerTimeoutMs)
  }

  /** @throws ProtocolError */
  count(peer: Peer, { payload }: Frame): void {
    if (this.#relay.knows(peer)) return
    this.#bytes += payload.length
    if (this.#bytes > this.#limits.strangerBytes) throw new ProtocolError('the coordinator does not know the client, and it sent too much')
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
