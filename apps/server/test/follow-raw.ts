import { once } from 'node:events'
import type { ProvisionerJobLog } from '@berth/schema'
import { WebSocket } from 'ws'
import type { TestServer } from './start-test-server.ts'

/** A log that is being followed, with nothing but a WebSocket in between. */
export interface Followed {
  readonly socket: WebSocket
  /** Every frame as it came. */
  readonly frames: string[]
  readonly logs: () => ProvisionerJobLog[]
  /** Settles with the close code. */
  readonly closed: Promise<number>
}

/** Follows a log; settles when the socket is open. `path` is below `/api/v2`. */
export async function followRaw(server: TestServer, path: string, token = server.firstUser.token): Promise<Followed> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2${path}`, { headers: { 'Coder-Session-Token': token } })
  const frames: string[] = []
  socket.on('message', (data: Buffer, isBinary) => frames.push(isBinary ? `binary: ${data.toString('hex')}` : data.toString('utf8')))
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await once(socket, 'open')
  return { socket, frames, closed, logs: () => frames.map((frame) => JSON.parse(frame) as ProvisionerJobLog) }
}
