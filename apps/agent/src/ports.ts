import { pipeBoth, TunnelRefusal, type TunnelStream } from '@berth/tunnel'
import { connect, type Socket } from 'node:net'

const connectTimeoutMs = 10_000

/**
 * Joins a stream with whatever listens on a port of the workspace. Refuses with 502 when nothing
 * answers.
 */
export async function servePort(port: number, accept: () => TunnelStream): Promise<void> {
  const socket = await connectLocally(port)
  await pipeBoth(accept(), socket)
}

/** Connects to either loopback address, as programs may listen on only one of them. */
async function connectLocally(port: number): Promise<Socket> {
  try {
    return await connectTo('127.0.0.1', port)
  } catch (first) {
    try {
      return await connectTo('::1', port)
    } catch {
      const { code } = first as NodeJS.ErrnoException
      const reason = code === 'ECONNREFUSED' ? 'nothing listens there' : (first as Error).message
      throw new TunnelRefusal(502, `Port ${port} of the workspace cannot be reached: ${reason}.`)
    }
  }
}

function connectTo(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`no answer within ${connectTimeoutMs / 1000} s`)))
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })
}
