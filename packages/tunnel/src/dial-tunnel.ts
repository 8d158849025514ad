import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { maxRefusalBytes, TunnelRefusal, TunnelStreamReset } from './failures.ts'
import { maxStreamsOf, SessionGuard, sessionOptions, tooManyStreams, type Tunnel, type TunnelOptions } from './session.ts'
import { StreamMeter } from './stream-budget.ts'
import { isTarget, maxTargetLength, pathOfTarget } from './target.ts'
import { breakOff, TunnelStream } from './tunnel-stream.ts'

/** The dialing end of a tunnel. */
export interface DialTunnel extends Tunnel {
  /**
   * Opens a stream to a target at the far end. It may be called before the connection below is
   * open, and then waits for it. Only `signal` limits how long the dial takes; it has no effect on
   * the stream afterwards.
   *
   * Rejects with
   * - {@link TunnelRefusal} when the far end refuses, for an invalid target (400), and above the
   *   limit of streams (503);
   * - {@link TunnelClosed} when the tunnel closes;
   * - {@link TunnelStreamReset} when only this stream breaks;
   * - the signal's reason when `signal` is aborted first.
   */
  dial(target: string, options?: { signal?: AbortSignal }): Promise<TunnelStream>
  /**
   * Returns the round-trip time through the tunnel, in milliseconds. Rejects with {@link
   * TunnelClosed}.
   */
  ping(): Promise<number>
}

/** HTTP/2 requires an authority; a tunnel has only one other end. */
const authority = 'http://tunnel'

/** Becomes the dialing end of a tunnel over `stream`. */
export function dialTunnel(stream: Duplex, options: TunnelOptions = {}): DialTunnel {
  const session = connect(authority, { ...sessionOptions(options), createConnection: () => stream })
  const guard = new SessionGuard(session, stream, options)
  session.once('connect', () => guard.widen())
  const meter = new StreamMeter(session, { maxStreams: maxStreamsOf(options), shared: options.budget, breakOff })
  guard.measure(meter)
  return {
    closed: guard.closed,
    close: (reason) => guard.close(reason),
    ping: () => ping(session, guard),
    async dial(target, { signal } = {}) {
      if (!isTarget(target))
        throw new TunnelRefusal(400, `A target is 1 to ${maxTargetLength} characters of printable ASCII without spaces.`)
      signal?.throwIfAborted()
      const closed = guard.reason()
      if (closed) throw closed
      const limit = meter.exceeded()
      if (limit !== undefined) throw tooManyStreams(limit)
      const carrier = session.request(
        { [constants.HTTP2_HEADER_METHOD]: constants.HTTP2_METHOD_POST, [constants.HTTP2_HEADER_PATH]: pathOfTarget(target) },
        { endStream: false },
      )
      meter.add(carrier)
      return answerOf(carrier, target, { guard, meter, signal })
    },
  }
}

function answerOf(
  carrier: ClientHttp2Stream,
  target: string,
  { guard, meter, signal }: { guard: SessionGuard; meter: StreamMeter; signal: AbortSignal | undefined },
): Promise<TunnelStream> {
  return new Promise((resolve, reject) => {
    const stopListening = (): void => {
      carrier.removeListener('close', onClose)
      carrier.removeListener('response', onResponse)
    }
    const settle = (): void => {
      stopListening()
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      settle()
      breakOff(carrier)
      reject(signal?.reason as Error)
    }
    const onClose = (): void => {
      settle()
      reject(guard.reason() ?? new TunnelStreamReset(`The stream to "${target}" broke off before the far end answered.`))
    }
    const onResponse = (headers: { ':status'?: number | undefined }): void => {
      const status = headers[':status'] ?? 0
      if (status === constants.HTTP_STATUS_OK) {
        settle()
        const stream = new TunnelStream(carrier, target, guard.reason)
        meter.hold(carrier, stream)
        resolve(stream)
        return
      }
      // The signal stays in force, since the far end may start a refusal and never finish it.
      stopListening()
      readRefusal(carrier, (message) => {
        settle()
        reject(new TunnelRefusal(status, message))
      })
    }
    carrier.on('error', () => undefined)
    carrier.once('close', onClose)
    carrier.once('response', onResponse)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Calls `done` with the text of a refusal once the stream closes. */
function readRefusal(carrier: ClientHttp2Stream, done: (message: string) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  carrier.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxRefusalBytes) chunks.push(chunk)
    else breakOff(carrier)
  })
  carrier.once('end', () => carrier.close(constants.NGHTTP2_NO_ERROR))
  carrier.once('close', () => done(Buffer.concat(chunks).toString('utf8') || 'The far end gave no reason.'))
}

function ping(session: ClientHttp2Session, guard: SessionGuard): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error?: Error): void => reject(guard.reason() ?? error)
    const send = (): void => {
      session.removeListener('close', fail)
      session.ping((error, durationMs) => (error ? fail(error) : resolve(durationMs)))
    }
    if (session.destroyed) {
      fail()
    } else if (session.connecting) {
      session.once('connect', send)
      session.once('close', fail)
    } else {
      send()
    }
  })
}
