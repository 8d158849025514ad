import type { Duplex } from 'node:stream'
import { Failure } from '@berth/schema'
import { TunnelRefusal, answerTunnel, pipeBoth, type Tunnel, type TunnelOptions, type TunnelRequest } from '@berth/tunnel'

/**
 * Answers a tunnel: each stream that is dialled in it continues in the one that `dial` opens. What
 * `dial` throws becomes a refusal.
 */
export function joinStreams(carrier: Duplex, dial: (request: TunnelRequest) => Promise<Duplex>, options: TunnelOptions): Tunnel {
  const onward = new Set<Duplex>()
  const answer = async (request: TunnelRequest): Promise<void> => {
    const stream = await dial(request).catch((error: unknown) => {
      throw asRefusal(error)
    })
    // A stream may still be written out after the other end of it has gone.
    onward.add(stream)
    stream.once('close', () => onward.delete(stream))
    await pipeBoth(request.accept(), stream)
  }
  const tunnel = answerTunnel(carrier, answer, options)
  void tunnel.closed.then((reason) => {
    for (const stream of onward) stream.destroy(reason)
    return undefined
  })
  return tunnel
}

/** Turns an error of a dial into a refusal for the other end. */
function asRefusal(error: unknown): TunnelRefusal {
  if (error instanceof TunnelRefusal) return error
  if (Failure.is(error)) return new TunnelRefusal(error.status, error.message)
  return new TunnelRefusal(502, error instanceof Error ? error.message : String(error))
}
