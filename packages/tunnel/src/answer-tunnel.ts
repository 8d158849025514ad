import { constants, performServerHandshake, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { maxRefusalBytes, TunnelRefusal } from './failures.ts'
import { defaults, SessionGuard, sessionOptions, type Tunnel, type TunnelOptions } from './session.ts'
import { targetOfPath } from './target.ts'
import { breakOff, TunnelStream } from './tunnel-stream.ts'

/** One dial, as the answering end sees it. */
export interface TunnelRequest {
  /** What the dialing end asks for, as given to `dial`: `ssh`, `ports/8080`, `pty?id=…`. Not trusted: check it. */
  readonly target: string
  /** Aborted when the stream is gone, also when that happens before it was accepted. */
  readonly signal: AbortSignal
  /** Says yes and gives the stream. To be called once, and not after {@link signal} is aborted. */
  readonly accept: () => TunnelStream
}

/** Options of {@link answerTunnel}. */
export interface AnswerOptions extends TunnelOptions {
  /** Told of errors that `answer` throws and that are no {@link TunnelRefusal}; the dialing end only learns that there was one. */
  onError?: (error: unknown, target: string) => void
}

/**
 * Becomes the answering end of a tunnel over `stream`.
 *
 * `answer` is called for each dial and either accepts it or throws {@link TunnelRefusal}. Another error, and returning without accepting, refuse with
 * status 500; an error after accepting destroys the stream.
 */
export function answerTunnel(
  stream: Duplex,
  answer: (request: TunnelRequest) => void | Promise<void>,
  options: AnswerOptions = {},
): Tunnel {
  const session = performServerHandshake(stream, sessionOptions(options))
  const guard = new SessionGuard(session, stream, options)
  guard.widen()
  const maxStreams = options.maxStreams ?? defaults.maxStreams
  let open = 0
  session.on('stream', (carrier: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    open += 1
    carrier.once('close', () => (open -= 1))
    carrier.on('error', () => undefined)
    if (open > maxStreams) {
      refuse(carrier, new TunnelRefusal(503, `The tunnel has ${maxStreams} open streams, and no more are allowed.`))
      return
    }
    // Whatever goes wrong while one stream is answered ends that stream, and nothing else.
    answerOne({ carrier, headers, guard, answer, onError: options.onError }).catch(() => breakOff(carrier))
  })
  return guard
}

interface Answering {
  carrier: ServerHttp2Stream
  headers: IncomingHttpHeaders
  guard: SessionGuard
  answer: (request: TunnelRequest) => void | Promise<void>
  onError: ((error: unknown, target: string) => void) | undefined
}

async function answerOne({ carrier, headers, guard, answer, onError }: Answering): Promise<void> {
  // Node ends the answer to a HEAD request before there is one.
  if (headers[constants.HTTP2_HEADER_METHOD] !== constants.HTTP2_METHOD_POST) return breakOff(carrier)
  const gone = new AbortController()
  carrier.once('close', () => gone.abort())
  let accepted: TunnelStream | undefined
  const target = targetOfPath(String(headers[constants.HTTP2_HEADER_PATH] ?? ''))
  try {
    if (target === undefined) throw new TunnelRefusal(400, 'The target of the stream is empty, too long, or not printable ASCII.')
    const accept = (): TunnelStream => {
      if (accepted) throw new Error('A stream can be accepted once only')
      accepted = new TunnelStream(carrier, target, guard.reason)
      if (!carrier.destroyed && !carrier.closed) carrier.respond({ [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_OK })
      return accepted
    }
    await answer({ target, signal: gone.signal, accept })
    if (!accepted) throw new Error(`No answer was given to the target "${target}"`)
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
  // Nothing the dialing end may still send is wanted; without this the stream would wait for its end.
  carrier.once('finish', () => carrier.close(constants.NGHTTP2_NO_ERROR))
}
