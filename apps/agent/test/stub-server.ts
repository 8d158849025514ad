import { dialTunnel, socketStream, tunnelSocketOptions, type DialTunnel } from '@berth/tunnel'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import { WebSocketServer, type WebSocket } from 'ws'

/** The token that a machine gets for any proof. */
export const instanceToken = 'a-token-for-a-machine'

export interface SeenRequest {
  method: string
  path: string
  token: string | undefined
  body: unknown
  at: number
}

/**
 * The part of a server that agents use. A test controls what it answers and refuses, and when it is
 * away.
 */
export interface StubServer {
  readonly url: string
  readonly port: number
  readonly requests: SeenRequest[]
  readonly metadata: Record<string, unknown>
  /** Returns the HTTP status to refuse a request with; undefined to answer it. */
  refuse: (path: string) => number | undefined
  /** The interval that report-stats answers, in nanoseconds. */
  reportInterval: number
  /** Returns the open tunnel, or the next one to open. */
  tunnel: () => Promise<DialTunnel>
  socket: () => WebSocket | undefined
  /** Closes the tunnel and stops listening. */
  goAway: () => Promise<void>
  comeBack: () => Promise<void>
}

export async function startStubServer(): Promise<StubServer> {
  const requests: SeenRequest[] = []
  let http: Server | undefined
  let port = 0
  let current: { tunnel: DialTunnel; socket: WebSocket } | undefined
  const waiting: ((tunnel: DialTunnel) => void)[] = []
  const connections = new Set<Socket>()

  const handle = async (request: IncomingMessage): Promise<{ status: number; body: unknown }> => {
    const path = new URL(request.url ?? '', 'http://stub').pathname.replace('/api/v2/workspaceagents/me/', '')
    const body = await text(request)
    const token = request.headers['coder-session-token']
    requests.push({
      method: request.method ?? '',
      path,
      token: String(token),
      body: body === '' ? undefined : JSON.parse(body),
      at: Date.now(),
    })
    const status = stub.refuse(path)
    if (status !== undefined) return { status, body: { message: 'Refused by the test.' } }
    if (path === 'metadata') return { status: 200, body: stub.metadata }
    if (path.endsWith('-instance-identity')) return { status: 200, body: { session_token: instanceToken } }
    if (path === 'report-stats') return { status: 200, body: { report_interval: stub.reportInterval } }
    return { status: 200, body: null }
  }

  const listen = async (): Promise<void> => {
    const server = createServer((request, response) => {
      void handle(request).then(({ status, body }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' })
        response.end(JSON.stringify(body))
        return undefined
      })
    })
    const sockets = new WebSocketServer({ noServer: true, ...tunnelSocketOptions })
    server.on('connection', (socket) => {
      connections.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => connections.delete(socket))
    })
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const status = stub.refuse('tunnel')
      requests.push({
        method: 'GET',
        path: 'tunnel',
        token: String(request.headers['coder-session-token']),
        body: undefined,
        at: Date.now(),
      })
      if (status !== undefined) {
        socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
        return
      }
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const tunnel = dialTunnel(socketStream(webSocket))
        current = { tunnel, socket: webSocket }
        for (const resolve of waiting.splice(0)) resolve(tunnel)
        void tunnel.closed.then(() => {
          if (current?.tunnel === tunnel) current = undefined
          return undefined
        })
      })
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    http = server
  }

  const stub: StubServer = {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    get port() {
      return port
    },
    requests,
    metadata: {
      git_auth_configs: 0,
      vscode_port_proxy_uri: '',
      apps: [],
      derpmap: { Regions: {} },
      environment_variables: null,
      startup_script: '',
      directory: '',
      motd_file: '',
    },
    refuse: () => undefined,
    reportInterval: 200_000_000,
    tunnel: () => (current ? Promise.resolve(current.tunnel) : new Promise((resolve) => waiting.push(resolve))),
    socket: () => current?.socket,
    async goAway() {
      current?.tunnel.close()
      current = undefined
      const closed = http ? once(http, 'close') : undefined
      http?.close()
      for (const connection of connections) connection.destroy()
      await closed
      http = undefined
    },
    comeBack: listen,
  }
  await listen()
  return stub
}
