import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Failure, type EndpointSpec, type FailureCode } from '@berth/schema'
import { exampleOf } from '@berth/schema/openapi'
import { WebSocketServer } from 'ws'
import { checkShape, readQuery } from './check-shape.ts'
import { findRoute, type OperationName, type StubHandler, type StubRequest, type StubRoute } from './stub-operation.ts'
import { eventStream, messageStream, type StubStream } from './stub-stream.ts'

const maxBodyBytes = 128 * 1024 * 1024

/** Operations that can stream. */
export type StreamName =
  | 'workspaces.watch'
  | 'builds.logs'
  | 'templateVersions.logs'
  | 'agents.pty'
  | 'agents.dialTunnel'
  | 'agents.serveTunnel'

/**
 * Drives one stream. It stays open after the script returns, until the script or the client ends
 * it.
 */
export type StubScript = (request: StubRequest, stream: StubStream) => void | Promise<void>

/** Options of a stub server. */
export interface StubServerOptions {
  /** The only accepted token, except where the contract needs none. Default: accept any caller. */
  readonly token?: string
  /** Default: any free port. With a port, a test can restart a server at the same address. */
  readonly port?: number
  /** See {@link StubServer.on}. */
  readonly handlers?: { readonly [Name in OperationName]?: StubHandler<Name> }
}

// Handlers are stored by name; the name determines the type of the request.
type AnyHandler = (request: StubRequest) => unknown

/**
 * A small HTTP server derived from the contract, for tests of programs that use the API. It answers
 * every operation with an example, refuses requests that differ from the contract with 400 and the
 * differences, and records all requests. It keeps no state and checks no permissions.
 */
export class StubServer {
  /** URL of the server: `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true })
  readonly #handlers = new Map<string, AnyHandler>()
  readonly #scripts = new Map<string, StubScript>()
  readonly #requests: StubRequest[] = []
  readonly #token: string | undefined

  constructor(server: Server, url: string, options: StubServerOptions) {
    this.#server = server
    this.url = url
    this.#token = options.token
    for (const [name, handler] of Object.entries(options.handlers ?? {})) this.#handlers.set(name, handler as AnyHandler)
    server.on('request', (request, response) => void this.#answer(request, response))
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, { socket, head }))
  }

  /** All requests for known operations, in order, including refused ones. */
  get requests(): readonly StubRequest[] {
    return this.#requests
  }

  /**
   * Sets the handler of an operation. For a streaming operation, a handler that throws a `Failure`
   * refuses the stream.
   */
  on<Name extends OperationName>(operation: Name, handler: StubHandler<Name>): void {
    this.#handlers.set(operation, handler as AnyHandler)
  }

  /**
   * Sets the script for an operation's streams. Without one, a watch gets one ping and stays open,
   * a followed log gets the entries that the operation's handler returns and ends, and other
   * sockets are refused with 428.
   */
  onStream(operation: StreamName, script: StubScript): void {
    this.#scripts.set(operation, script)
  }

  /** Stops listening and breaks all open connections. */
  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { route, request } = await this.#receive(message)
      if (route.spec.delivery === 'websocket' || isFollowed(request)) throw new Failure('upgrade_required')
      if (route.spec.delivery === 'server_sent_events') {
        await this.#handlers.get(route.name)?.(request)
        return await this.#serveEvents(request, response)
      }
      const answer = await this.#valueOf(route, request)
      if (answer instanceof Uint8Array) return void response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(answer)
      if (route.spec.response === undefined) return void response.writeHead(route.spec.status).end()
      sendJson(response, route.spec.status, answer)
    } catch (error) {
      const { status, body } = failureAnswer(error)
      sendJson(response, status, body)
    }
  }

  async #upgrade(message: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }): Promise<void> {
    socket.on('error', () => undefined)
    try {
      const { route, request } = await this.#receive(message)
      const script = await this.#socketScript(route, request)
      this.#sockets.handleUpgrade(message, socket, head, (webSocket) => void script(request, messageStream(webSocket)))
    } catch (error) {
      const { status, body } = failureAnswer(error)
      const text = JSON.stringify(body)
      const headers = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`, 'Connection: close']
      socket.end(`HTTP/1.1 ${status} Refused\r\n${headers.join('\r\n')}\r\n\r\n${text}`)
    }
  }

  async #serveEvents(request: StubRequest, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    const stream = eventStream(response)
    await stream.sendText('event: ping\n\n')
    await this.#scripts.get(request.operation)?.(request, stream)
  }

  /**
   * Returns the script for a socket. Without one, a followed log sends the operation's answer and
   * ends.
   */
  async #socketScript(route: StubRoute, request: StubRequest): Promise<StubScript> {
    if (route.spec.delivery !== 'websocket' && !isFollowed(request)) throw new Failure('route_not_found')
    const entries = await this.#valueOf(route, request)
    const script = this.#scripts.get(route.name)
    if (script !== undefined) return script
    if (route.spec.delivery === 'websocket') throw new Failure('agent_not_connected')
    return async (_, stream) => {
      for (const entry of Array.isArray(entries) ? entries : []) await stream.send(entry)
      stream.end()
    }
  }

  async #valueOf(route: StubRoute, request: StubRequest): Promise<unknown> {
    const handler = this.#handlers.get(route.name)
    if (handler !== undefined) return handler(request)
    if (route.spec.delivery === 'bytes') return new Uint8Array()
    return route.spec.response === undefined ? undefined : exampleOf(route.spec.response)
  }

  /** Reads, records and checks a request. */
  async #receive(message: IncomingMessage): Promise<{ route: StubRoute; request: StubRequest }> {
    const url = new URL(message.url ?? '/', this.url)
    const found = findRoute(message.method ?? 'GET', url.pathname)
    if (found === undefined) throw new Failure('route_not_found', { detail: `${message.method} ${url.pathname}` })
    const { spec, name } = found.route
    const bytes = await readBody(message)
    const token = message.headers['coder-session-token'] ?? url.searchParams.get('coder_session_token') ?? undefined
    url.searchParams.delete('coder_session_token')
    const request = {
      operation: name,
      method: spec.method,
      url: message.url ?? '/',
      headers: message.headers,
      params: found.params,
      query: readQuery(spec.query, url.searchParams),
      ...(bytes.length > 0 && { body: spec.bodyType === undefined ? parseJson(bytes) : new Uint8Array(bytes) }),
    } as StubRequest // checkRequest compares it with the schemas before a handler reads it
    this.#requests.push(request)
    if (this.#token !== undefined && spec.access !== 'anyone' && token !== this.#token) throw new Failure(refusalOf(spec))
    checkRequest(spec, request)
    return { route: found.route, request }
  }
}

/** Starts a stub server on the loopback address. Close it when done. */
export async function startStubServer(options: StubServerOptions = {}): Promise<StubServer> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The stub server has no port.')
  return new StubServer(server, `http://127.0.0.1:${address.port}`, options)
}

function refusalOf(spec: EndpointSpec): FailureCode {
  return spec.access === 'agent' ? 'agent_unauthorized' : 'signed_out'
}

function isFollowed(request: StubRequest): boolean {
  return 'query' in request && Object.hasOwn(request.query ?? {}, 'follow')
}

function checkRequest(spec: EndpointSpec, request: StubRequest): void {
  const parts = { params: undefined, query: undefined, body: undefined, ...request }
  const validations = [
    ...checkShape(spec.params ?? { type: 'object' }, parts.params),
    ...checkShape(spec.query ?? { type: 'object' }, parts.query),
    ...(spec.bodyType === undefined ? checkBody(spec, parts.body) : []),
  ]
  if (validations.length > 0) throw new Failure('validation_failed', { message: 'The request differs from the contract.', validations })
}

function checkBody(spec: EndpointSpec, body: unknown): ReturnType<typeof checkShape> {
  if (spec.body !== undefined) return checkShape(spec.body, body)
  return body === undefined ? [] : [{ field: '', detail: 'takes no body' }]
}

function parseJson(bytes: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return value
  } catch (cause) {
    throw new Failure('invalid_json', { cause })
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBodyBytes) throw new Failure('validation_failed', { message: `The body is larger than ${maxBodyBytes} bytes.` })
  }
  return Buffer.concat(chunks)
}

function failureAnswer(error: unknown): { status: number; body: unknown } {
  const failure = Failure.is(error) ? error : new Failure('internal', { detail: String(error) })
  const { status, message, detail, validations } = failure
  return { status, body: { message, detail, validations } }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(`${JSON.stringify(value)}\n`)
}
