import { answerTunnel, socketStream, tunnelSocketOptions, type Tunnel, type TunnelRequest } from '@berth/tunnel'
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { pauseMs } from './back-off.ts'
import type { AgentConfig } from './config.ts'
import { reasonOf, type Logger } from './logger.ts'
import { ServerRefusal } from './server-client.ts'

/** A tunnel that stood this long starts the count of failures anew, in milliseconds. */
const stableMs = 5_000
const handshakeTimeoutMs = 10_000
const repeatLogMs = 60_000
const goingAway = 1001

export interface ConnectionOptions {
  config: AgentConfig
  logger: Logger
  signal: AbortSignal
  random: () => number
  /** Done before each connection until it succeeds; a failure counts as one of the connection. */
  prepare: () => Promise<void>
  answer: (request: TunnelRequest) => Promise<void>
  onConnected: () => void
}

/** Keeps the tunnel to the server up until `signal` is aborted. Resolves then, and never rejects. */
export async function keepConnected(options: ConnectionOptions): Promise<void> {
  const { signal, logger, random } = options
  const startedAt = performance.now()
  const troubles = new TroubleLog(logger)
  let failures = 0
  while (!signal.aborted) {
    const result = await connectOnce(options)
    if (signal.aborted) return
    failures = result.stoodMs >= stableMs ? 1 : failures + 1
    const pause = pauseMs({ failures, status: result.status, outdated: result.outdated, uptimeMs: performance.now() - startedAt }, random)
    if (result.stoodMs > 0) logger.warn('The connection to the server ended', { reason: result.reason })
    else troubles.tell(result.reason)
    await sleep(pause, signal)
  }
}

interface ConnectionResult {
  reason: string
  status: number | undefined
  outdated: boolean
  /** 0 when the tunnel never came up. */
  stoodMs: number
}

async function connectOnce(options: ConnectionOptions): Promise<ConnectionResult> {
  try {
    await options.prepare()
    return await holdTunnel(options)
  } catch (error) {
    const status = error instanceof ServerRefusal ? error.status : undefined
    return { reason: reasonOf(error), status, outdated: status === 403, stoodMs: 0 }
  }
}

/** Opens the tunnel and resolves when it is gone; rejects when it never came up. */
async function holdTunnel({ config, logger, signal, answer, onConnected }: ConnectionOptions): Promise<ConnectionResult> {
  const socket = new WebSocket(`${config.serverUrl.replace(/^http/, 'ws')}/api/v2/workspaceagents/me/tunnel`, {
    ...tunnelSocketOptions,
    headers: { 'Coder-Session-Token': config.token },
    handshakeTimeout: handshakeTimeoutMs,
    followRedirects: false,
  })
  let openedAt = 0
  let closing = { code: 0, text: '' }
  let refusal: ServerRefusal | undefined
  socket.once('unexpected-response', (request, response: IncomingMessage) => {
    const status = response.statusCode ?? 0
    refusal = new ServerRefusal(status, `The server refused the tunnel with ${status}.`)
    response.resume()
    request.destroy()
    socket.terminate()
  })
  socket.once('open', () => {
    openedAt = performance.now()
    onConnected()
  })
  const socketClosed = new Promise<void>((resolve) => {
    socket.once('close', (code, reason) => {
      closing = { code, text: reason.toString('utf8') }
      resolve()
    })
  })
  const tunnel: Tunnel = answerTunnel(socketStream(socket), answer, {
    onError: (error, target) => logger.warn('A stream failed', { target: target.slice(0, 100), reason: reasonOf(error) }),
  })
  const onAbort = (): void => tunnel.close('The agent is stopping.')
  signal.addEventListener('abort', onAbort, { once: true })
  const closed = await tunnel.closed
  // The socket tells why only now. It comes soon: a tunnel that is gone has terminated its socket or was ended by it.
  await socketClosed
  signal.removeEventListener('abort', onAbort)
  if (refusal) throw refusal
  if (openedAt === 0) throw closed
  const outdated = closing.code === goingAway && closing.text === 'build is outdated'
  const reason = closing.text === '' ? closed.message : `The server closed it: ${closing.text}`
  return { reason, status: undefined, outdated, stoodMs: performance.now() - openedAt }
}

/** Says each trouble once, and again every minute while it lasts. */
class TroubleLog {
  readonly #logger: Logger
  #last: { reason: string; at: number } | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  tell(reason: string): void {
    if (this.#last?.reason === reason && performance.now() - this.#last.at < repeatLogMs) return
    this.#last = { reason, at: performance.now() }
    this.#logger.warn('The server cannot be reached, trying again', { reason })
  }
}

function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, durationMs)
    signal.addEventListener('abort', done, { once: true })
  })
}
