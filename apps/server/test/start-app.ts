import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { pipeBoth, TunnelRefusal } from '@berth/tunnel'
import { WebSocketServer } from 'ws'
import { connectAgent, createAgent, statusBecomes, type AgentPlace } from './fake-agent.ts'
import type { TestServer } from './start-test-server.ts'

/** What an app got of a request. */
export interface SeenByApp {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** Names and values in the order and spelling in which they came. */
  readonly raw: readonly string[]
  readonly body: string
}

/** A program that serves HTTP, as one in a workspace does. */
export interface RunningApp {
  readonly port: number
  stop(): Promise<void>
}

/**
 * Starts a program that answers each request with what it got, and each WebSocket message with
 * itself.
 */
export async function startApp(handle: RequestListener = tellSeen): Promise<RunningApp> {
  const app = createServer(handle)
  const sockets = new WebSocketServer({ server: app })
  sockets.on('connection', (socket, request) => {
    socket.send(JSON.stringify(seen(request, '')))
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  app.listen(0, '127.0.0.1')
  await once(app, 'listening')
  return {
    port: (app.address() as AddressInfo).port,
    async stop() {
      for (const client of sockets.clients) client.terminate()
      app.closeAllConnections()
      app.close()
      await once(app, 'close')
    },
  }
}

function tellSeen(request: IncomingMessage, response: Parameters<RequestListener>[1]): void {
  let body = ''
  request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(seen(request, body)))
  })
}

function seen({ method = '', url = '', headers, rawHeaders }: IncomingMessage, body: string): SeenByApp {
  return { method, url, headers, raw: rawHeaders, body }
}

/** Creates a running workspace whose agent is connected and reaches the ports of this machine. */
export async function createAppWorkspace(
  server: TestServer,
  agent: Parameters<typeof createAgent>[1],
): Promise<AgentPlace & { leave(): Promise<void> }> {
  const place = await createAgent(server, agent)
  const connection = await connectAgent(server, place.token, async ({ target, accept }) => {
    const port = Number(/^ports\/(\d+)$/.exec(target)?.[1] ?? 0)
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    try {
      await once(socket, 'connect')
    } catch {
      throw new TunnelRefusal(502, `Nothing listens on port ${port} in the workspace.`)
    }
    await pipeBoth(accept(), socket)
  })
  await statusBecomes(place, 'connected')
  return { ...place, leave: async () => await connection.close() }
}
