import { FRAME, encodeFrame } from './frames.ts'

/** A client that proved its key. */
export interface Peer {
  readonly key: Buffer
  /** The key as text. */
  readonly id: string
  sendPacket(frame: Buffer): void
  sendNotice(name: string, frame: Buffer): void
  close(reason: string): void
}

/**
 * Passes packets between clients that the deployment knows. When a client leaves, the clients that
 * got packets from it are told.
 */
export class Relay {
  readonly #isKnown: (id: string) => boolean
  readonly #peers = new Map<string, Peer>()
  /** By sender: the connected clients that got packets from it. */
  readonly #heard = new Map<string, Set<Peer>>()
  /** By client: the senders it got packets from. */
  readonly #heardFrom = new Map<Peer, Set<string>>()

  /** @param isKnown Whether the owner of a key belongs to the deployment. Others are strangers. */
  constructor(isKnown: (id: string) => boolean) {
    this.#isKnown = isKnown
  }

  knows({ id }: Pick<Peer, 'id'>): boolean {
    return this.#isKnown(id)
  }

  get size(): number {
    return this.#peers.size
  }

  /** Adds a client. An earlier connection with the same key is closed. */
  join(peer: Peer): void {
    const previous = this.#peers.get(peer.id)
    this.#peers.set(peer.id, peer)
    previous?.close('the client opened a newer connection')
  }

  leave(peer: Peer): void {
    for (const sender of this.#heardFrom.get(peer) ?? []) this.#forget(sender, peer)
    this.#heardFrom.delete(peer)
    // A client whose connection was replaced is still connected.
    if (this.#peers.get(peer.id) !== peer) return
    this.#peers.delete(peer.id)
    const frame = encodeFrame(FRAME.peerGone, peer.key)
    for (const listener of this.#heard.get(peer.id) ?? []) {
      this.#heardFrom.get(listener)?.delete(peer.id)
      listener.sendNotice(`gone:${peer.id}`, frame)
    }
    this.#heard.delete(peer.id)
  }

  /** Passes a packet on. Drops one from or for a stranger, or for a client that isn't connected. */
  send(from: Peer, to: Buffer, packet: Buffer): void {
    const peer = this.#peers.get(peerId(to))
    if (peer === undefined || !this.knows(from) || !this.knows(peer)) return
    this.#note(from.id, peer)
    peer.sendPacket(encodeFrame(FRAME.receivePacket, from.key, packet))
  }

  #note(sender: string, listener: Peer): void {
    const listeners = this.#heard.get(sender) ?? new Set()
    const senders = this.#heardFrom.get(listener) ?? new Set()
    if (listeners.has(listener)) return
    this.#heard.set(sender, listeners.add(listener))
    this.#heardFrom.set(listener, senders.add(sender))
  }

  #forget(sender: string, listener: Peer): void {
    const listeners = this.#heard.get(sender)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#heard.delete(sender)
  }
}

export function peerId(key: Buffer): string {
  return key.toString('base64')
}
