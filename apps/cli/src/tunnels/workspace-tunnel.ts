import { ApiError, type Client } from '@berth/sdk'
import { formatAgentTarget, TunnelClosed, TunnelRefusal, type AgentTarget, type DialTunnel, type TunnelStream } from '@berth/tunnel'
import { CommandError, messageOf } from '../failures.ts'
import type { Clock } from '../world.ts'
import { connectedAgent } from './connected-agent.ts'
import { openTunnel } from './open-tunnel.ts'
import type { ReadyAgent } from './ready-agent.ts'

/** How the server refuses to dial an agent that isn't connected. */
const notConnectedStatus = 428
/** How long a dial waits for the workspace, in milliseconds. */
const dialWaitMs = 30_000
const firstPauseMs = 250
const longestPauseMs = 5_000

interface WorkspaceTunnelOptions {
  readonly client: Client
  readonly clock: Clock
  readonly to: ReadyAgent
  /** Called with what happens to the connection, in a sentence. */
  readonly note: (text: string) => void
}

/**
 * A tunnel to an agent that comes back when it is lost, also after the workspace was stopped and
 * started, which gives it another agent. Dials wait meanwhile.
 */
export class WorkspaceTunnel {
  /** Rejects once the tunnel can't come back. Otherwise never settles. */
  readonly failed: Promise<never>
  readonly #options: WorkspaceTunnelOptions
  readonly #ended = new AbortController()
  #agentId: string
  #current: Promise<DialTunnel>
  /** Settles when the agent is connected again, while somebody waits for that. */
  #agentBack: Promise<void> | undefined
  #fail: (error: unknown) => void = () => undefined

  private constructor(options: WorkspaceTunnelOptions, first: DialTunnel) {
    this.#options = options
    this.#agentId = options.to.agent.id
    this.#current = Promise.resolve(first)
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined)
    void this.#follow(first)
  }

  /** Opens the tunnel. Rejects when it can't be opened the first time. */
  static async open(options: WorkspaceTunnelOptions, signal: AbortSignal): Promise<WorkspaceTunnel> {
    return new WorkspaceTunnel(options, await openTunnel(options.client, options.to.agent.id, signal))
  }

  /**
   * Opens a stream to a target in the workspace, and waits for it while the connection is lost.
   *
   * @throws TunnelRefusal when there is nothing at the target, CommandError when the workspace
   *   can't be reached for {@link dialWaitMs}, the signal's reason when it is aborted.
   */
  async dial(target: AgentTarget, signal: AbortSignal): Promise<TunnelStream> {
    const timeout = AbortSignal.timeout(dialWaitMs)
    const given = AbortSignal.any([signal, this.#ended.signal, timeout])
    let last: unknown
    try {
      for (let attempt = 0; ; attempt += 1) {
        try {
          const tunnel = await settled(this.#current, given)
          return await tunnel.dial(formatAgentTarget(target), { signal: given })
        } catch (error) {
          given.throwIfAborted()
          last = error
          if (error instanceof TunnelRefusal && error.status === notConnectedStatus) await settled(this.#waitForAgent(), given)
          else if (!(error instanceof TunnelClosed)) throw error
        }
        await this.#options.clock.sleep(pauseMs(attempt), given)
      }
    } catch (error) {
      if (given.reason !== timeout.reason || !timeout.aborted) throw error
      const reason = last === undefined ? '' : ` ${messageOf(last)}`
      throw new CommandError(`The workspace ${this.#name} could not be reached within ${dialWaitMs / 1000} s.${reason}`, { cause: last })
    }
  }

  /** Returns the round trip to the server, in milliseconds. */
  async pingServer(signal: AbortSignal): Promise<number> {
    const tunnel = await settled(this.#current, signal)
    return await settled(tunnel.ping(), signal)
  }

  /** Ends the tunnel and every stream in it. */
  close(): void {
    this.#ended.abort(new Error('The tunnel is closed'))
    void this.#current.then(
      (tunnel) => tunnel.close(),
      () => undefined,
    )
  }

  async #follow(tunnel: DialTunnel): Promise<void> {
    const reason = await tunnel.closed
    if (this.#ended.signal.aborted) return
    this.#options.note(`Lost the connection to ${this.#name}. Reconnecting: new connections wait. (${reason.message})`)
    this.#current = this.#reconnect()
    this.#current.catch((error: unknown) => this.#fail(error))
  }

  async #reconnect(): Promise<DialTunnel> {
    const { client, clock, note } = this.#options
    const { signal } = this.#ended
    for (let attempt = 0; ; attempt += 1) {
      const agent = await this.#connectedAgent()
      try {
        const tunnel = await openTunnel(client, agent, signal)
        this.#agentId = agent
        void this.#follow(tunnel)
        note(`Connected to ${this.#name} again.`)
        return tunnel
      } catch (error) {
        signal.throwIfAborted()
        if (ApiError.is(error, 401) || ApiError.is(error, 403)) throw error
      }
      await clock.sleep(pauseMs(attempt), signal)
    }
  }

  #waitForAgent(): Promise<void> {
    this.#agentBack ??= this.#followAgent().finally(() => {
      this.#agentBack = undefined
    })
    return this.#agentBack
  }

  /**
   * Waits until the agent is connected. If it is another one, the tunnel to the old one closes, so
   * that the next one leads to it.
   */
  async #followAgent(): Promise<void> {
    try {
      const agent = await this.#connectedAgent()
      if (agent !== this.#agentId) (await this.#current).close('The workspace has been started again.')
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  async #connectedAgent(): Promise<string> {
    const { client, to, note } = this.#options
    const agent = await connectedAgent(
      client,
      { workspace: to.workspace, agent: to.agent.name },
      { signal: this.#ended.signal, onState: (state) => note(`${state} Waiting for it.`) },
    )
    return agent.id
  }

  get #name(): string {
    return this.#options.to.workspace.name
  }
}

function pauseMs(attempt: number): number {
  return Math.min(firstPauseMs * 2 ** attempt, longestPauseMs)
}

/** Settles as `promise` does, or rejects with the signal's reason once it is aborted. */
async function settled<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted()
  return await new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
