import { routes } from '@berth/schema/routes'
import {
  answerTunnel,
  closeReasons,
  isClosedFor,
  socketStream,
  tunnelSocketOptions,
  type CloseReason,
  type Tunnel,
  type TunnelRequest,
} from '@berth/tunnel'
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { pauseMs } from './back-off.ts'
import type { AgentConfig } from './config.ts'
import { reasonOf, type Logger } from './logger.ts'
import { ServerRefusal, tokenHeader, urlOf } from './server-client.ts'
import { sleep } from './sleep.ts'

/** A tunnel that was open this long resets the count of failures. */
const stableMs = 5_000
const handshakeTimeoutMs = 10_000
/** A trouble that lasts is logged again after this long. */
const repeatLogMs = 60_000

export interface ConnectionOptions {
  config: AgentConfig
  logger: Logger
  signal: AbortSignal
  random: () => number
  /** Runs before each attempt to connect. Its failure counts as one of the attempt. */
  prepare: () => Promise<void>
  answer: (request: TunnelRequest) => Promise<void>
  onConnected: () => void
}

/**
 * Keeps the tunnel to the server open until `signal` is aborted, and resolves then. Never rejects.
 */
export async function keepConnected(options: ConnectionOptions): Promise<void> {
  const { signal, logger, random } = options
  const startedAt = performance.now()
  const troubles = new TroubleLog(logger)
  let failures = 0
  while (!signal.aborted) {
    const result = await connectOnce(options)
    if (signal.aborted) return
    failures = result.openMs >= stableMs ? 1 : failures + 1
    const pause = pauseMs({ failures, status: result.status, outdated: result.outdated, uptimeMs: performance.now() - startedAt }, random)
    if (result.openMs > 0) logger.warn('The connection to the server ended', { reason: result.reason, try_again_in_ms: Math.round(pause) })
    else troubles.log(result.reason)
    await sleep(pause, signal)
  }
}

interface ConnectionResult {
  reason: string
  status: number | undefined
  outdated: boolean
  /** How long the tunnel was open; 0 when it never was. */
  openMs: number
}

async function connectOnce(options: ConnectionOptions): Promise<ConnectionResult> {
  try {
    await options.prepare()
    return await holdTunnel(options)
  } catch (error) {
    const status = error instanceof ServerRefusal ? error.status : undefined
    return { reason: reasonOf(error), status, outdated: status === 403, openMs: 0 }
  }
}

/** Opens the tunnel and resolves once it has closed. Rejects when it never opened. */
async function holdTunnel({ config, logger, signal, answer, onConnected }: ConnectionOptions): Promise<ConnectionResult> {
  const socket = new WebSocket(urlOf(config.serverUrl, routes.agents.serveTunnel).replace(/^http/, 'ws'), {
    ...tunnelSocketOptions,
    headers: { [tokenHeader]: config.token },
    handshakeTimeout: handshakeTimeoutMs,
    followRedirects: false,
  })
  let openedAt = 0
  let closing: CloseReason = { code: 0, text: '' }
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
  // The reason arrives with the socket's close, which is near: one of the two has just closed the
  // other.
  await socketClosed
  signal.removeEventListener('abort', onAbort)
  if (refusal) throw refusal
  if (openedAt === 0) throw closed
  const outdated = isClosedFor(closeReasons.buildOutdated, closing)
  const reason = closing.text === '' ? closed.message : `The server closed it: ${closing.text}`
  return { reason, status: undefined, outdated, openMs: performance.now() - openedAt }
}

/** Logs each trouble once, and again every minute while it lasts. */
class TroubleLog {
  readonly #logger: Logger
  #last: { reason: string; at: number } | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  log(reason: string): void {
    if (this.#last?.reason === reason && performance.now() - this.#last.at < repeatLogMs) return
    this.#last = { reason, at: performance.now() }
    this.#logger.warn('The server cannot be reached, trying again', { reason })
  }
}
