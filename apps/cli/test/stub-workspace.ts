/**
 * A stub deployment with one agent whose tunnel, SSH server and shell are real.
 * @module
 */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { createServer, request as forward, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo, Socket as NetSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { startStubServer, type StubServer } from '@berth/sdk/testing'
import { answerTunnel, socketStream, TunnelRefusal } from '@berth/tunnel'
import ssh2, { type Session } from 'ssh2'
import { agent, workspace } from './fixtures.ts'

type Socket = Parameters<typeof socketStream>[0]
interface SocketServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: Socket) => void): void
}
// Uses the tunnel package's copy of ws, since only this test needs one.
const ws = createRequire(new URL('../../../packages/tunnel/package.json', import.meta.url))('ws') as {
  WebSocketServer: new (options: { noServer: true }) => SocketServer
}

// ssh2's own generator makes keys of which it can't read one in 256.
const hostKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString()

/** What clients asked the workspace for. */
export interface Seen {
  readonly environment: Record<string, string>
  readonly sizes: string[]
  username: string
  term: string | undefined
  tunnelToken: string | undefined
  /** Whether a session asked for the client's SSH agent. */
  wantsAgent: boolean
}

export interface StubWorkspace {
  readonly url: string
  readonly stub: StubServer
  readonly seen: Seen
  /** Closes every connection to the agent. */
  breakConnections(): void
  close(): Promise<void>
}

/** Starts a deployment with the workspace `ada/dev`. */
export async function startStubWorkspace(): Promise<StubWorkspace> {
  const stub = await startStubServer({ token: 'secret' })
  stub.on('workspaces.getByOwnerAndName', () => workspace())
  stub.on('workspaces.get', () => workspace())
  const seen: Seen = { environment: {}, sizes: [], username: '', term: undefined, tunnelToken: undefined, wantsAgent: false }
  const sockets = new Set<Duplex>()
  const webSockets = new ws.WebSocketServer({ noServer: true })
  const server = createServer((request, response) => {
    const { method, headers } = request
    request.pipe(
      forward(new URL(request.url ?? '/', stub.url), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      }),
    )
  })
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    seen.tunnelToken = String(request.headers['coder-session-token'])
    if (request.url !== `/api/v2/workspaceagents/${agent().id}/tunnel`) return socket.destroy()
    sockets.add(socket)
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      answerTunnel(socketStream(webSocket), ({ target, accept }) => {
        if (target === 'ssh') serveSsh(accept(), seen)
        else if (target === 'ports/7') echo(accept())
        else throw new TunnelRefusal(404, 'There is nothing of that name.')
      })
    })
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stub,
    seen,
    breakConnections,
    async close() {
      breakConnections()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await stub.close()
    },
  }
}

function echo(stream: Duplex): void {
  stream.pipe(stream)
}

function serveSsh(stream: Duplex, seen: Seen): void {
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on('error', () => undefined)
    connection.on('authentication', (attempt) => {
      seen.username = attempt.username
      attempt.accept()
    })
    connection.on('session', (accept) => serveSession(accept(), seen))
  })
  // The types ask for a socket, but ssh2 only uses what every duplex stream has.
  server.injectSocket(stream as NetSocket)
}

function serveSession(session: Session, seen: Seen): void {
  let child: ReturnType<typeof spawn> | undefined
  const run = (command: string, channel: ssh2.ServerChannel): void => {
    if (command === 'at-once') {
      channel.write('out\n')
      channel.exit(7)
      channel.end()
      return
    }
    const running = spawn('/bin/sh', ['-c', command], { env: { PATH: process.env['PATH'], ...seen.environment } })
    child = running
    channel.pipe(running.stdin)
    running.stdin.on('error', () => undefined)
    running.stdout.pipe(channel, { end: false })
    running.stderr.pipe(channel.stderr, { end: false })
    running.on('close', (code, signal) => {
      if (signal === null) channel.exit(code ?? 0)
      else channel.exit(signal.slice(3))
      channel.end()
    })
    channel.on('close', () => running.kill('SIGKILL'))
  }
  session.on('env', (accept, _reject, { key, val }) => {
    seen.environment[key] = val
    // ssh2 passes no `accept` if the client wants no reply.
    if (typeof accept === 'function') accept()
  })
  session.on('auth-agent', (accept) => {
    seen.wantsAgent = true
    accept()
  })
  session.on('pty', (accept, _reject, { cols, rows, ...pty }) => {
    seen.term = 'term' in pty ? pty.term : undefined
    seen.sizes.push(`${cols}x${rows}`)
    accept()
  })
  session.on('window-change', (accept, _reject, { cols, rows }) => {
    seen.sizes.push(`${cols}x${rows}`)
    if (typeof accept === 'function') accept()
  })
  session.on('signal', (_accept, _reject, { name }) => void child?.kill(`SIG${name}` as NodeJS.Signals))
  session.on('exec', (accept, _reject, { command }) => run(command, accept()))
  session.on('shell', (accept) => run('/bin/sh', accept()))
}
