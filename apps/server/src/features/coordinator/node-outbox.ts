import type { WebSocket } from 'ws'
import type { NetworkNode } from './node.ts'

/**
 * Sends nodes to one socket as JSON arrays. While the socket is busy, only each sender's newest
 * node waits.
 */
export class NodeOutbox {
  readonly #socket: WebSocket
  readonly #waiting = new Map<unknown, NetworkNode>()
  #isBusy = false

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  /** @param sender identifies the sender; its newer node replaces a waiting one. */
  send(sender: unknown, node: NetworkNode): void {
    this.#waiting.set(sender, node)
    this.#flush()
  }

  /** Sends several nodes in one array. */
  sendAll(nodes: Iterable<readonly [sender: unknown, node: NetworkNode]>): void {
    for (const [sender, node] of nodes) this.#waiting.set(sender, node)
    this.#flush()
  }

  /** Drops the waiting node of a sender that disconnected. */
  forget(sender: unknown): void {
    this.#waiting.delete(sender)
  }

  #flush(): void {
    if (this.#isBusy || this.#waiting.size === 0 || this.#socket.readyState !== this.#socket.OPEN) return
    const message = Buffer.from(`${JSON.stringify([...this.#waiting.values()])}\n`)
    this.#waiting.clear()
    this.#isBusy = true
    this.#socket.send(message, { binary: true }, () => {
      this.#isBusy = false
      this.#flush()
    })
  }
}
