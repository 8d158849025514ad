import { FRAME, encodeFrame } from './frames.ts'

/** A client that has proved its key. */
export interface Peer {
  readonly key: Buffer
  /** Under which it is found. */
  readonly id: string
  sendPacket(frame: Buffer): void
  sendNotice(name: string, frame: Buffer): void
  close(reason: string): void
}

/** The clients of a relay: passes packets from one to another, and tells those that heard from a client when it leaves. */
export class Relay {
  readonly #peers = new Map<string, Peer>()
  /** By sender: who got packets from it and is still here. */
  readonly #heard = new Map<string, Set<Peer>>()
  /** The same the other way round. */
  readonly #heardFrom = new Map<Peer, Set<string>>()

  get size(): number {
    return this.#peers.size
  }

  /** From now on packets for its key go to this peer. One with the same key that is here already has to leave. */
  join(peer: Peer): void {
    const previous = this.#peers.get(peer.id)
    this.#peers.set(peer.id, peer)
    previous?.close('the client has connected anew')
  }

  leave(peer: Peer): void {
    for (const sender of this.#heardFrom.get(peer) ?? []) this.#forget(sender, peer)
    this.#heardFrom.delete(peer)
    // Who has been replaced is still here, under its new connection.
    if (this.#peers.get(peer.id) !== peer) return
    this.#peers.delete(peer.id)
    const frame = encodeFrame(FRAME.peerGone, peer.key)
    for (const listener of this.#heard.get(peer.id) ?? []) {
      this.#heardFrom.get(listener)?.delete(peer.id)
      listener.sendNotice(`gone:${peer.id}`, frame)
    }
    this.#heard.delete(peer.id)
  }

  /** Passes a packet on; one for a client that is not here is lost. */
  send(from: Peer, to: Buffer, packet: Buffer): void {
    const peer = this.#peers.get(peerId(to))
    if (peer === undefined) return
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
