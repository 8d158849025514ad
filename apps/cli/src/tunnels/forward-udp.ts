import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { DatagramStream } from '@berth/tunnel'
import { messageOf } from '../failures.ts'
import { listenError, withoutRepeats, type ForwardOptions, type Listening } from './listening.ts'
import { addressOf, type Forward } from './port-specs.ts'

/** How many senders one forward has at once. Another one takes the place of the quietest. */
export const maxSenders = 256
/** How much one sender may have waiting for its stream, in bytes. */
const maxWaitingBytes = 128 * 1024
/** Answers that may wait for the kernel. Later ones are lost, as on a full network. */
const maxQueued = 64

/**
 * Listens on a local UDP port. The datagrams of each sender continue in a stream of their own,
 * which ends when none has passed for a while.
 */
export async function forwardUdp(forward: Forward, { dial, note }: ForwardOptions): Promise<Listening> {
  const complain = withoutRepeats(note)
  const socket = createSocket(isIPv6(forward.host) ? 'udp6' : 'udp4')
  /** The one heard from longest ago comes first. */
  const senders = new Map<string, Sender>()
  socket.bind(forward.localPort, forward.host)
  try {
    await once(socket, 'listening')
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, forward)
  }
  const address = addressOf({ host: forward.host, localPort: socket.address().port })
  socket.on('error', (error) => complain(`UDP ${address} has trouble: ${error.message}`))
  socket.on('message', (bytes, from) => {
    const key = addressOf({ host: from.address, localPort: from.port })
    const sender = senders.get(key) ?? join(key, from)
    senders.delete(key)
    senders.set(key, sender)
    sender.send(bytes)
  })

  function join(key: string, from: RemoteInfo): Sender {
    const [quietest] = senders.values()
    if (senders.size >= maxSenders) quietest?.close()
    const sender: Sender = new Sender({
      dial,
      port: forward.remotePort,
      answer: (bytes) => answer(socket, bytes, from),
      onClose: (error) => {
        if (senders.get(key) === sender) senders.delete(key)
        if (error !== undefined) complain(`Datagrams to ${address} are lost: ${messageOf(error)}`)
      },
    })
    return sender
  }

  return {
    address,
    close() {
      socket.close()
      for (const sender of senders.values()) sender.close()
    },
  }
}

function answer(socket: Socket, bytes: Buffer, { port, address }: RemoteInfo): void {
  if (socket.getSendQueueCount() < maxQueued) socket.send(bytes, port, address, () => undefined)
}

interface SenderOptions extends Pick<ForwardOptions, 'dial'> {
  readonly port: number
  readonly answer: (bytes: Buffer) => void
  /** Called once, with the error when there was one. */
  readonly onClose: (error?: unknown) => void
}

/** A local address that sends datagrams, and its stream to the workspace. */
class Sender {
  readonly #ended = new AbortController()
  readonly #onClose: SenderOptions['onClose']
  #datagrams: DatagramStream | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0

  constructor(options: SenderOptions) {
    this.#onClose = options.onClose
    void this.#connect(options)
  }

  send(bytes: Buffer): void {
    if (this.#datagrams) return this.#datagrams.send(bytes)
    if (this.#waitingBytes + bytes.length > maxWaitingBytes) return
    this.#waitingBytes += bytes.length
    this.#waiting.push(bytes)
  }

  close(): void {
    this.#ended.abort()
    this.#onClose()
  }

  async #connect({ dial, port, answer: onDatagram }: SenderOptions): Promise<void> {
    const { signal } = this.#ended
    try {
      const stream = await dial({ kind: 'udp', port }, signal)
      signal.addEventListener('abort', () => stream.destroy())
      stream.once('close', () => this.#onClose())
      const datagrams = new DatagramStream(stream, { onDatagram })
      for (const bytes of this.#waiting) datagrams.send(bytes)
      this.#waiting = []
      this.#datagrams = datagrams
    } catch (error) {
      this.#onClose(signal.aborted ? undefined : error)
    }
  }
}
