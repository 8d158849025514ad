import type { BerthApi, EndpointGroup, EndpointSpec, RequestOf, ResponseOf } from '@berth/schema'
import { routes } from '@berth/schema/routes'
import { Connection, type ConnectionOptions, type FetchOptions } from './connection.ts'
import { expandPath, type UrlValue } from './request-url.ts'
import type { WebSocketLike } from './websocket.ts'

/** How one call is made. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Optional members may also be `undefined`: they are left out of the request. */
type Loose<T> = T extends Uint8Array
  ? T
  : T extends object
    ? { [Key in keyof T]: {} extends Pick<T, Key> ? T[Key] | undefined : T[Key] }
    : T

/** What a call of an operation takes: path parameters, query and body, each only where the operation has it. */
export type OperationRequest<Spec extends EndpointSpec> = {
  [Key in keyof RequestOf<Spec>]: Loose<RequestOf<Spec>[Key]>
}

/** One operation as a method. The request may be left out when nothing in it is required. */
export type Operation<Spec extends EndpointSpec> =
  {} extends RequestOf<Spec>
    ? (request?: OperationRequest<Spec>, options?: CallOptions) => Promise<ResponseOf<Spec>>
    : (request: OperationRequest<Spec>, options?: CallOptions) => Promise<ResponseOf<Spec>>

/** Operations that stream are no methods: see `watchWorkspace`, `followLogs` and {@link Client.openSocket}. */
interface Streaming {
  readonly delivery: 'websocket' | 'server_sent_events'
}

/** Operations that lead a browser elsewhere are no methods: a browser goes there by itself, a program has nothing of it. */
interface Redirecting {
  readonly status: 307
}

/** The operations of one noun. */
export type Operations<Group extends EndpointGroup> = {
  readonly [Name in keyof Group as Group[Name] extends Streaming | Redirecting ? never : Name]: Operation<Group[Name]>
}

/** What a client has besides the operations: the way to its server. */
export interface ClientConnection {
  /** The address of the server, with its path prefix, without a trailing slash. */
  readonly url: string
  /** The headers of every request: the session token, if there is one, and those given to `createClient`. A new object each time. */
  headers(): Record<string, string>
  /**
   * The address of a WebSocket operation, to be dialled with {@link ClientConnection.headers}.
   * @param path below `/api/v2`, for example `/workspaceagents/…/tunnel`.
   */
  socketUrl(path: string, query?: Readonly<Record<string, UrlValue>>): string
  /**
   * Opens a WebSocket to a path below `/api/v2`, signed in as this client is. Listen for `error` right away: in Node, a handshake that
   * the server refuses comes as an event whose `error` is an ApiError, and an error that nobody listens for ends the program.
   */
  openSocket(path: string, query?: Readonly<Record<string, UrlValue>>): WebSocketLike
  /**
   * Makes a request to a path below `/api/v2`, signed in as this client is, for what no operation covers. The body is not read.
   * @throws ApiError when the status is not 2xx, ConnectionError when there is no answer.
   */
  fetch(path: string, options?: FetchOptions): Promise<Response>
}

/**
 * A client: `client.<noun>.<operation>(request, options)`, one method for each operation of the API, for example
 * `client.workspaces.get({ params: { workspace } })`.
 *
 * Every method rejects with ApiError when the server says no, with ConnectionError when it can't be reached, with TypeError for a
 * request that no address can carry, and with the signal's reason when it is aborted. Nothing is retried.
 */
export type Client = ClientConnection & { readonly [Noun in keyof BerthApi]: Operations<BerthApi[Noun]> }

/** How a client reaches its server. */
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
 * Makes a client of a Berth server, or of any that speaks the Coder v2 HTTP API. Sends nothing by itself.
 *
 * @example
 * const client = createClient({ url: 'https://berth.example.com', token })
 * const { workspaces } = await client.workspaces.list({ query: { owner: 'me' } })
 *
 * @throws TypeError for an address that is none, or a token that no header can carry.
 */
export function createClient(options: ClientOptions): Client {
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
  // The routes are generated from the same endpoints as the type, which a test compares.
  return { ...face, ...Object.fromEntries(nouns) } as Client
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
    if (!isBytes(body)) throw new TypeError(`The body of ${route.method} ${route.path} is bytes (${route.bodyType}).`)
    return { body, headers: { 'Content-Type': route.bodyType } }
  }
  return body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
}

function isBytes(body: unknown): body is Uint8Array {
  // Not instanceof: programs with several realms (frames, test runners) have several of these classes.
  return Object.prototype.toString.call(body) === '[object Uint8Array]'
}
