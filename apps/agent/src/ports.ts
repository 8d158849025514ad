import { pipeBoth, TunnelRefusal, type TunnelStream } from '@berth/tunnel'
import { connect, type Socket } from 'node:net'

const connectTimeoutMs = 10_000

/** Joins a stream with whatever listens on a port of the workspace; target `ports/<number>`. Refuses with 400 for no port and 502 when nothing answers. */
export async function servePort(target: string, accept: () => TunnelStream): Promise<void> {
  const text = target.slice('ports/'.length)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw new TunnelRefusal(400, `"${text}" is not a port. A port is a number from 1 to 65535.`)
  const socket = await connectLocally(port)
  await pipeBoth(accept(), socket)
}

/** Programs listen on either loopback address, or on both. */
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
