import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import {
  answerTunnel,
  dialTunnel,
  socketStream,
  tunnelSocketOptions,
  type AnswerOptions,
  type DialTunnel,
  type Tunnel,
} from '../src/index.ts'

/**
 * A tunnel over a real WebSocket on the loopback interface. A TCP relay between the ends lets a
 * test cut or freeze the connection.
 */
export interface TunnelPair {
  dialing: DialTunnel
  answering: Tunnel
  sockets: { dialing: WebSocket; answering: WebSocket }
  /** Stops passing bytes without closing anything, like a network that disappears. */
  freeze: () => void
  /** Resets the TCP connection. */
  cut: () => void
  stop: () => Promise<void>
}

/** Options of both ends, and of the answering end alone. */
export type PairOptions = AnswerOptions & { readonly answering?: AnswerOptions }

/** Opens a tunnel whose answering end connects, as an agent does. */
export async function tunnelPair(answer: Parameters<typeof answerTunnel>[1], options: PairOptions = {}): Promise<TunnelPair> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...tunnelSocketOptions })
  await once(server, 'listening')
  const relayed: Socket[] = []
  const relay = relayTo((server.address() as AddressInfo).port, relayed)
  await once(relay, 'listening')
  const accepted = once(server, 'connection') as Promise<[WebSocket]>
  const client = new WebSocket(`ws://127.0.0.1:${(relay.address() as AddressInfo).port}`, tunnelSocketOptions)
  const answering = answerTunnel(socketStream(client), answer, { ...options, ...options.answering })
  const [serverSide] = await accepted
  const dialing = dialTunnel(socketStream(serverSide), options)
  return {
    dialing,
    answering,
    sockets: { dialing: serverSide, answering: client },
    freeze: () => relayed.forEach((socket) => socket.pause()),
    cut: () => relayed.forEach((socket) => socket.resetAndDestroy()),
    async stop() {
      dialing.close()
      answering.close()
      relayed.forEach((socket) => socket.destroy())
      relay.close()
      server.close()
      await once(server, 'close')
    },
  }
}

function relayTo(port: number, relayed: Socket[]): Server {
  return createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      socket.on('error', () => undefined)
      relayed.push(socket)
    }
    near.on('data', (chunk) => far.write(chunk) || near.pause())
    far.on('data', (chunk) => near.write(chunk) || far.pause())
    near.on('drain', () => far.resume())
    far.on('drain', () => near.resume())
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
}
