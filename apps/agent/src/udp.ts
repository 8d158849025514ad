import { DatagramStream, type TunnelStream } from '@berth/tunnel'
import { createSocket, type Socket } from 'node:dgram'

/** Datagrams that may wait for the kernel. Later ones are lost, as on a full network. */
const maxQueued = 64

type Host = '127.0.0.1' | '::1'

/**
 * Joins a stream with a UDP port of the workspace, from a port of its own, so that answers find
 * their way back. It can't be known whether something listens there, so it is never refused.
 */
export function serveUdp(port: number, accept: () => TunnelStream): void {
  const stream = accept()
  const local = new LoopbackUdp(port, (bytes) => datagrams.send(bytes))
  const datagrams = new DatagramStream(stream, { onDatagram: (bytes) => local.send(bytes) })
  stream.once('close', () => local.close())
}

/**
 * Exchanges datagrams with a port at either loopback address, as programs may listen on only one of
 * them: when nothing listens at one, the datagram goes to the other.
 */
class LoopbackUdp {
  readonly #port: number
  readonly #onDatagram: (bytes: Buffer) => void
  #host: Host = '127.0.0.1'
  #socket: Socket | undefined
  /** Datagrams for a socket that isn't connected yet; undefined once it is. */
  #waiting: Buffer[] | undefined
  /** The latest datagram while nothing has answered, to try the other address with. */
  #unanswered: Buffer | undefined
  #closed = false

  constructor(port: number, onDatagram: (bytes: Buffer) => void) {
    this.#port = port
    this.#onDatagram = onDatagram
  }

  send(bytes: Buffer): void {
    if (this.#closed) return
    this.#unanswered = bytes
    this.#write(bytes)
  }

  close(): void {
    this.#closed = true
    this.#socket?.close()
    this.#socket = undefined
  }

  #write(bytes: Buffer): void {
    const socket = (this.#socket ??= this.#open())
    if (this.#waiting === undefined) {
      if (socket.getSendQueueCount() < maxQueued) socket.send(bytes)
    } else if (this.#waiting.length < maxQueued) {
      this.#waiting.push(bytes)
    }
  }

  #open(): Socket {
    const socket = createSocket(this.#host === '::1' ? 'udp6' : 'udp4')
    const waiting: Buffer[] = []
    this.#waiting = waiting
    socket.on('message', (bytes) => {
      this.#unanswered = undefined
      this.#onDatagram(bytes)
    })
    socket.on('error', () => this.#refused(socket))
    socket.once('connect', () => {
      this.#waiting = undefined
      for (const bytes of waiting) socket.send(bytes)
    })
    socket.connect(this.#port, this.#host)
    return socket
  }

  #refused(socket: Socket): void {
    if (this.#socket !== socket) return
    socket.close()
    this.#socket = undefined
    const retried = this.#host === '127.0.0.1' ? this.#unanswered : undefined
    this.#host = this.#host === '127.0.0.1' ? '::1' : '127.0.0.1'
    this.#unanswered = undefined
    if (retried && !this.#closed) this.#write(retried)
  }
}
