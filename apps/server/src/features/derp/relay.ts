import { FRAME, encodeFrame } from './frames.ts'
import type { Sender, WaitingFrame } from './send-queue.ts'

/** A client that proved its key. */
export interface Peer {
  readonly key: Buffer
  /** The key as text. */
  readonly id: string
  /** Returns false if the packet has to wait for room, of which its sender is told. */
  sendPacket(frame: Buffer, sender: Sender): boolean
  sendNotice(name: string, frame: Buffer): void
  /** Sends what waited for an earlier connection of the client. */
  inherit(waiting: readonly WaitingFrame[]): void
  /**
   * Passes what waits on to a newer connection of the client and ends this one in good order.
   * `done` is called once when it has said its last word.
   */
  giveWay(heir: Peer, done: () => void): void
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

  /**
   * Adds a client in the place of an earlier connection with the same key. Returns true if that one
   * still has to finish what it sends, and calls `onTurn` afterwards.
   */
  join(peer: Peer, onTurn: () => void): boolean {
    const previous = this.#peers.get(peer.id)
    this.#peers.set(peer.id, peer)
    if (previous === undefined) return false
    for (const sender of this.#heardFrom.get(previous) ?? []) this.#note(sender, peer)
    previous.giveWay(peer, onTurn)
    return true
  }

  leave(peer: Peer): void {
    for (const sender of this.#heardFrom.get(peer) ?? []) this.#forget(sender, peer)
    this.#heardFrom.delete(peer)
    const current = this.#peers.get(peer.id)
    // A client whose connection was replaced is still connected.
    if (current !== undefined && current !== peer) return
    this.#peers.delete(peer.id)
    const frame = encodeFrame(FRAME.peerGone, peer.key)
    for (const listener of this.#heard.get(peer.id) ?? []) {
      this.#heardFrom.get(listener)?.delete(peer.id)
      listener.sendNotice(`gone:${peer.id}`, frame)
    }
    this.#heard.delete(peer.id)
  }

  /**
   * Passes a packet on. Drops one from or for a stranger, or for a client that isn't connected.
   * Returns false if it has to wait for its receiver: `retry` is called when it may be sent again.
   */
  send(from: Peer, { to, packet }: { readonly to: Buffer; readonly packet: Buffer }, retry: () => void): boolean {
    const peer = this.#peers.get(peerId(to))
    if (peer === undefined || !this.knows(from) || !this.knows(peer)) return true
    this.#note(from.id, peer)
    return peer.sendPacket(encodeFrame(FRAME.receivePacket, from.key, packet), { id: from.id, retry })
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
