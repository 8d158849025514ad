import { constants, performServerHandshake, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { maxRefusalBytes, TunnelRefusal } from './failures.ts'
import { maxStreamsOf, SessionGuard, sessionOptions, tooManyStreams, type Tunnel, type TunnelOptions } from './session.ts'
import { StreamMeter } from './stream-budget.ts'
import { targetOfPath } from './target.ts'
import { breakOff, TunnelStream } from './tunnel-stream.ts'

/** One dial, as the answering end sees it. */
export interface TunnelRequest {
  /** The text given to `dial`. Untrusted: read it with `parseAgentTarget`. */
  readonly target: string
  /** Aborted when the stream closes, even before it was accepted. */
  readonly signal: AbortSignal
  /**
   * Accepts the dial and returns the stream. Call it once, and not after {@link signal} is aborted.
   */
  readonly accept: () => TunnelStream
}

/** Options of {@link answerTunnel}. */
export interface AnswerOptions extends TunnelOptions {
  /**
   * Called with errors of `answer` other than {@link TunnelRefusal}. The dialing end only learns
   * that there was one.
   */
  onError?: (error: unknown, target: string) => void
}

/**
 * Becomes the answering end of a tunnel over `stream`.
 *
 * Calls `answer` for each dial, which either accepts it or throws {@link TunnelRefusal}. Any other
 * error, and returning without accepting, refuses the dial with status 500. An error after
 * accepting destroys the stream.
 */
export function answerTunnel(
  stream: Duplex,
  answer: (request: TunnelRequest) => void | Promise<void>,
  options: AnswerOptions = {},
): Tunnel {
  const session = performServerHandshake(stream, sessionOptions(options))
  const guard = new SessionGuard(session, stream, options)
  guard.widen()
  const meter = new StreamMeter(session, { maxStreams: maxStreamsOf(options), shared: options.budget, breakOff })
  guard.measure(meter)
  session.on('stream', (carrier: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    carrier.on('error', () => undefined)
    const limit = meter.exceeded()
    meter.add(carrier)
    if (limit !== undefined) {
      refuse(carrier, tooManyStreams(limit))
      return
    }
    // Whatever goes wrong while one stream is answered ends that stream, and nothing else.
    answerOne({ carrier, headers, guard, meter, answer, onError: options.onError }).catch(() => breakOff(carrier))
  })
  return guard
}

interface Answering {
  carrier: ServerHttp2Stream
  headers: IncomingHttpHeaders
  guard: SessionGuard
  meter: StreamMeter
  answer: (request: TunnelRequest) => void | Promise<void>
  onError: ((error: unknown, target: string) => void) | undefined
}

async function answerOne({ carrier, headers, guard, meter, answer, onError }: Answering): Promise<void> {
  // Node ends the response to a HEAD request before there is one.
  if (headers[constants.HTTP2_HEADER_METHOD] !== constants.HTTP2_METHOD_POST) return breakOff(carrier)
  const gone = new AbortController()
  carrier.once('close', () => gone.abort())
  let accepted: TunnelStream | undefined
  const target = targetOfPath(String(headers[constants.HTTP2_HEADER_PATH] ?? ''))
  try {
    if (target === undefined)
      throw new TunnelRefusal(400, 'The target is empty, too long, or contains characters other than printable ASCII.')
    const accept = (): TunnelStream => {
      if (accepted) throw new Error('A stream can be accepted only once')
      accepted = new TunnelStream(carrier, target, guard.reason)
      meter.hold(carrier, accepted)
      if (!carrier.destroyed && !carrier.closed) carrier.respond({ [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_OK })
      return accepted
    }
    await answer({ target, signal: gone.signal, accept })
    if (!accepted) throw new Error(`The target "${target}" was neither accepted nor refused`)
  } catch (error) {
    const refusal = error instanceof TunnelRefusal
    if (!refusal) onError?.(error, target ?? '')
    if (accepted) accepted.destroy(error instanceof Error ? error : new Error(String(error)))
    else refuse(carrier, refusal ? error : new TunnelRefusal(500, 'The far end failed while answering.'))
  }
}

function refuse(carrier: ServerHttp2Stream, refusal: TunnelRefusal): void {
  if (carrier.destroyed || carrier.closed) return
  carrier.resume()
  carrier.respond({ [constants.HTTP2_HEADER_STATUS]: refusal.status })
  carrier.end(Buffer.from(refusal.message).subarray(0, maxRefusalBytes))
  // The dialing end may keep sending; without this the stream would stay open until it stops.
  carrier.once('finish', () => carrier.close(constants.NGHTTP2_NO_ERROR))
}
