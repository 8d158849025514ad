/**
 * A process of the measurement of apps: the app, a bare proxy in front of it, or the agent that
 * reaches it. Sends its port, if it has one, to the parent.
 */
import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { answerTunnel, pipeBoth, socketStream, tunnelSocketOptions } from '@berth/tunnel'
import { WebSocket } from 'ws'

const [part = '', ...words] = process.argv.slice(2)

async function serve(server: ReturnType<typeof createServer>): Promise<void> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
}

function app(): ReturnType<typeof createServer> {
  const small = Buffer.alloc(1_024, 'x')
  return createServer((request, response) => {
    request.resume()
    response.end(small)
  })
}

function proxy(port: number): ReturnType<typeof createServer> {
  const agent = new Agent({ keepAlive: true })
  return createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request
    const upstream = httpRequest({ agent, port, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(upstream)
  })
}

async function answerAsAgent(url: string, token: string, port: number): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v2/workspaceagents/me/tunnel`, {
    ...tunnelSocketOptions,
    headers: { 'Coder-Session-Token': token },
  })
  answerTunnel(socketStream(socket), async ({ accept }) => {
    const stream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    await once(stream, 'connect')
    await pipeBoth(accept(), stream)
  })
  await once(socket, 'open')
  process.send?.(0)
}

if (part === 'app') await serve(app())
else if (part === 'proxy') await serve(proxy(Number(words[0])))
else await answerAsAgent(words[0] ?? '', words[1] ?? '', Number(words[2]))
