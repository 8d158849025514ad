import { routes } from '@berth/schema/routes'
import type { ApiShapes } from '@berth/schema/shapes'
import { Connection, type ConnectionOptions, type FetchOptions } from './connection.ts'
import { expandPath, type UrlValue } from './request-url.ts'
import type { WebSocketLike } from './websocket.ts'

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Lets optional members also be `undefined`, which leaves them out of the request. */
type Loose<T> = T extends Uint8Array
  ? T
  : T extends object
    ? { [Key in keyof T]: {} extends Pick<T, Key> ? T[Key] | undefined : T[Key] }
    : T

/** What an operation takes and returns. */
export interface OperationShape {
  readonly request: object
  readonly response: unknown
}

/** The request of an operation: those of path parameters, query and body that it has. */
export type OperationRequest<Shape extends OperationShape> = {
  [Key in keyof Shape['request']]: Loose<Shape['request'][Key]>
}

/** An operation as a method. The request is optional if nothing in it is required. */
export type Operation<Shape extends OperationShape> = {} extends Shape['request']
  ? (request?: OperationRequest<Shape>, options?: CallOptions) => Promise<Shape['response']>
  : (request: OperationRequest<Shape>, options?: CallOptions) => Promise<Shape['response']>

/**
 * The operations of one noun. Streams aren't methods: use `watchWorkspace`, `followLogs` or {@link
 * ClientConnection.openSocket}.
 */
export type Operations<Shapes> = {
  readonly [Name in keyof Shapes]: Shapes[Name] extends OperationShape ? Operation<Shapes[Name]> : never
}

/** The members of a client besides its operations. */
export interface ClientConnection {
  /** URL of the server, with its path prefix and without a trailing slash. */
  readonly url: string
  /**
   * Returns a copy of the headers of every request: the session token, if any, and those given to
   * `createClient`.
   */
  headers(): Record<string, string>
  /**
   * Returns the URL of a WebSocket operation, to dial with {@link ClientConnection.headers}.
   * @param path path below `/api/v2`, for example `/workspaceagents/…/tunnel`.
   */
  socketUrl(path: string, query?: Readonly<Record<string, UrlValue>>): string
  /**
   * Opens a WebSocket to a path below `/api/v2` with this client's credentials. Listen for `error`
   * at once: in Node, a refused handshake is an event whose `error` is an ApiError, and an
   * unhandled `error` event ends the program.
   */
  openSocket(path: string, query?: Readonly<Record<string, UrlValue>>): WebSocketLike
  /**
   * Sends a request to a path below `/api/v2` with this client's credentials, for paths that no
   * operation covers. Doesn't read the body.
   * @throws ApiError if the status isn't 2xx, ConnectionError if there is no answer.
   */
  fetch(path: string, options?: FetchOptions): Promise<Response>
}

/**
 * The part of a client that follows from the contract: a method for each operation of the API,
 * `client.<noun>.<operation>(request, options)`, for example `client.workspaces.get({ params: {
 * workspace } })`.
 *
 * A method rejects with ApiError if the server refuses, ConnectionError if there is no answer,
 * TypeError for a request that no URL can carry, and the signal's reason if it is aborted. Nothing
 * is retried.
 */
export type DerivedClient = ClientConnection & { readonly [Noun in keyof ApiShapes]: Operations<ApiShapes[Noun]> }

/** Options of a client. */
export type ClientOptions = ConnectionOptions

const REDIRECT = 307

interface Route {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly delivery: string
  readonly bodyType?: string
}

interface AnyRequest {
  readonly params?: Readonly<Record<string, UrlValue>>
  readonly query?: Readonly<Record<string, UrlValue>>
  readonly body?: unknown
}

/**
 * Returns the derived part of a client. Sends no request yet.
 *
 * @throws TypeError for an invalid URL, or a token that no header can carry.
 */
export function deriveClient(options: ClientOptions): DerivedClient {
  const connection = new Connection(options)
  const nouns = Object.entries(routes).map(([noun, group]) => {
    const operations = Object.entries<Route>(group)
      .filter(([, route]) => route.delivery !== 'websocket' && route.delivery !== 'server_sent_events' && route.status !== REDIRECT)
      .map(([name, route]) => [name, (request?: AnyRequest, call?: CallOptions) => send(connection, route, { ...request, ...call })])
    return [noun, Object.fromEntries(operations)]
  })
  const face: ClientConnection = {
    url: connection.url,
    headers: () => connection.headers(),
    socketUrl: (path, query) => connection.socketUrl(path, query),
    openSocket: (path, query) => connection.openSocket(path, query),
    fetch: (path, request) => connection.fetch(path, request),
  }
  // The routes and the type are generated from the same endpoints; a test compares them.
  return { ...face, ...Object.fromEntries(nouns) } as DerivedClient
}

async function send(connection: Connection, route: Route, request: AnyRequest & CallOptions): Promise<unknown> {
  const path = expandPath(route.path, request.params)
  const exchange = { method: route.method, query: request.query, signal: request.signal, ...encodeBody(route, request.body) }
  switch (route.delivery) {
    case 'nothing':
      return connection.discard(path, exchange)
    case 'bytes':
      return connection.bytes(path, exchange)
    default:
      return connection.json(path, exchange)
  }
}

function encodeBody(route: Route, body: unknown): Pick<FetchOptions, 'body' | 'headers'> {
  if (route.bodyType !== undefined) {
    if (!isBytes(body)) throw new TypeError(`The body of ${route.method} ${route.path} must be a Uint8Array (${route.bodyType}).`)
    return { body, headers: { 'Content-Type': route.bodyType } }
  }
  return body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
}

function isBytes(body: unknown): body is Uint8Array {
  // Not instanceof: each realm (frame, test runner) has its own class.
  return Object.prototype.toString.call(body) === '[object Uint8Array]'
}
