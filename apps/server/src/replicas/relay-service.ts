import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  TunnelClosed,
  TunnelRefusal,
  networkStream,
  parseAgentTarget,
  type AgentTarget,
  type Tunnel,
  type TunnelRequest,
} from '@berth/tunnel'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { joinStreams } from './join-streams.ts'
import { PROOF_HEADER, RELAY_PROTOCOL, channelOf } from './relay-connection.ts'
import { ProofChecker, answeringProof } from './relay-proof.ts'
import { MAX_RELAYED_STREAMS, NOT_HERE, parseRelayedTarget } from './relayed-target.ts'

interface Dependencies {
  readonly replicaId: string
  readonly clock: Clock
  readonly logger: Logger
  /** Returns the key that all replicas of the deployment share. */
  readonly key: () => Promise<Buffer>
  /** Dials an agent that is connected to this replica. Undefined: it isn't. */
  readonly dialHere: (agentId: string, target: AgentTarget, options: { readonly signal: AbortSignal }) => Promise<Duplex> | undefined
}

/** Serves the other replicas: dials for them the agents that are connected to this one. */
export class RelayService {
  readonly #dependencies: Dependencies
  readonly #proofs: ProofChecker
  readonly #tunnels = new Set<Tunnel>()
  #isClosed = false

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#proofs = new ProofChecker(dependencies.clock)
  }

  /**
   * Serves the replica that sent a request. Returns false, and leaves the request alone, unless it
   * proves that it comes from one.
   */
  async serve(request: IncomingMessage, takeOver: () => Duplex): Promise<boolean> {
    const { replicaId, logger } = this.#dependencies
    const header = request.headers[PROOF_HEADER]
    if (typeof header !== 'string' || request.headers.upgrade?.toLowerCase() !== RELAY_PROTOCOL || this.#isClosed) return false
    const key = await this.#dependencies.key()
    const channel = channelOf(request.socket)
    const claim = this.#proofs.check(header, { key, to: replicaId, ...(channel !== undefined && { channel }) })
    if (claim === undefined) return false
    const socket = takeOver()
    if (!(socket instanceof Socket)) throw new TypeError('a replica connects over a network socket')
    socket.write(
      [
        'HTTP/1.1 101 Switching Protocols',
        `Upgrade: ${RELAY_PROTOCOL}`,
        'Connection: Upgrade',
        `${PROOF_HEADER}: ${answeringProof(key, claim)}`,
        '\r\n',
      ].join('\r\n'),
    )
    const tunnel = joinStreams(networkStream(socket), async (asked) => await this.#dial(asked), { maxStreams: MAX_RELAYED_STREAMS })
    this.#tunnels.add(tunnel)
    void tunnel.closed.then(() => this.#tunnels.delete(tunnel))
    logger.debug({ replica_id: claim.from }, 'another replica connected')
    return true
  }

  /** Closes the connections of other replicas, and the streams in them. */
  close(): void {
    this.#isClosed = true
    for (const tunnel of this.#tunnels) tunnel.close('The replica is stopping.')
  }

  /** Dials an agent that is connected here. An agent that is elsewhere is never looked for. */
  async #dial({ target, signal }: TunnelRequest): Promise<Duplex> {
    const relayed = parseRelayedTarget(target)
    if (relayed === undefined) throw new TunnelRefusal(404, 'The target names no agent.')
    const stream = this.#dependencies.dialHere(relayed.agentId, parseAgentTarget(relayed.target), { signal })
    if (stream === undefined) throw notHere()
    try {
      return await stream
    } catch (error) {
      if (error instanceof TunnelClosed) throw notHere()
      // What the agent says must not be taken for what this replica says.
      if (error instanceof TunnelRefusal && error.status === NOT_HERE) throw new TunnelRefusal(502, error.message)
      throw error
    }
  }
}

function notHere(): TunnelRefusal {
  return new TunnelRefusal(NOT_HERE, 'The agent is not connected to this replica.')
}
