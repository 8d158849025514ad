import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { NetworkNode } from './node.ts'

/** What replicas tell each other about an agent and the clients that connect to it. */
export type NodeMessage = { readonly agentId: string } & (
  | { readonly kind: 'agent-node'; readonly node: NetworkNode }
  | { readonly kind: 'client-node'; readonly clientId: string; readonly node: NetworkNode }
  | { readonly kind: 'client-left'; readonly clientId: string }
  /** A client waits for the agent: whoever has its node sends it. */
  | { readonly kind: 'agent-wanted' }
  /** The agent is there: whoever has clients of it sends their nodes. */
  | { readonly kind: 'clients-wanted' }
)

interface Dependencies {
  readonly replicaId: string
  readonly logger: Logger
  /** Sends texts to every replica, this one too, in one transaction. */
  readonly publish: (texts: readonly string[]) => Promise<void>
}

/** Pause between transactions, so that nodes that change all the time cost few of them. */
const PAUSE_MS = 100
/** A little less than what PostgreSQL passes on. */
const MAX_TEXT_BYTES = 7_900
const MAX_WAITING = 10_000

/** Passes nodes between replicas. Of what one sender says, only the newest waits. */
export class NodeExchange {
  readonly #dependencies: Dependencies
  readonly #waiting = new Map<string, string>()
  readonly #closing = new AbortController()
  #sending: Promise<void> | undefined

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  send(message: NodeMessage): void {
    const { replicaId, logger } = this.#dependencies
    const text = JSON.stringify({ ...message, from: replicaId })
    if (Buffer.byteLength(text) > MAX_TEXT_BYTES || this.#waiting.size >= MAX_WAITING || this.#closing.signal.aborted)
      return logger.debug({ agent_id: message.agentId, kind: message.kind }, 'a node is too large for other replicas, or too many wait')
    const sender = [message.agentId, 'clientId' in message ? message.clientId : message.kind].join(' ')
    this.#waiting.delete(sender)
    this.#waiting.set(sender, text)
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined))
    return undefined
  }

  /** Reads a text of another replica. Undefined: it comes from this one. */
  read(text: string): NodeMessage | undefined {
    // Only replicas write here.
    const { from, ...message } = JSON.parse(text) as NodeMessage & { readonly from: string }
    return from === this.#dependencies.replicaId ? undefined : message
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    const { logger, publish } = this.#dependencies
    const { signal } = this.#closing
    while (this.#waiting.size > 0 && !signal.aborted) {
      const texts = [...this.#waiting.values()]
      this.#waiting.clear()
      try {
        await publish(texts)
      } catch (error) {
        logger.warn({ err: error }, "couldn't tell other replicas of nodes")
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {}) // an abort ends the loop
    }
  }
}
