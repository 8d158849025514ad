import { openWebSocket } from '#websocket'
import { apiErrorOf, isJson, notJsonError, type Asked } from './api-error.ts'
import { connectionErrorOf } from './connection-error.ts'
import { parseServerUrl, queryString, type UrlValue } from './request-url.ts'
import type { WebSocketConstructor, WebSocketLike } from './websocket.ts'

/** Options of a connection to a server. */
export interface ConnectionOptions {
  /** URL of the server. May have a path prefix and a trailing slash. */
  readonly url: string | URL
  /** A session token or an agent's token. Not needed in a browser that has the session cookie. */
  readonly token?: string | undefined
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Headers for every request, for example for a proxy in front of the server. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Opens WebSockets. Default: the `ws` package in Node, the global `WebSocket` in browsers. */
  readonly WebSocket?: WebSocketConstructor | undefined
}

/** Options of one request. */
export interface FetchOptions {
  /** Default: `GET`. */
  readonly method?: string
  readonly query?: Readonly<Record<string, UrlValue>> | undefined
  /** A stream is sent as it is read, which few browsers support. */
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

const tokenHeader = 'Coder-Session-Token'
const apiPrefix = '/api/v2'

/** A server and one set of credentials for it. */
export class Connection {
  readonly url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #fetch: typeof globalThis.fetch | undefined
  readonly #WebSocket: WebSocketConstructor | undefined

  constructor(options: ConnectionOptions) {
    this.url = parseServerUrl(options.url)
    // A token read from a file often ends in a newline.
    const token = options.token?.trim()
    this.#headers = { ...options.headers, ...(token ? { [tokenHeader]: token } : {}) }
    this.#fetch = options.fetch
    this.#WebSocket = options.WebSocket
    checkHeaders(this.#headers)
  }

  headers(): Record<string, string> {
    return { ...this.#headers }
  }

  socketUrl(path: string, query?: Readonly<Record<string, UrlValue>>): string {
    return this.#address(path, query).replace(/^http/, 'ws')
  }

  openSocket(path: string, query?: Readonly<Record<string, UrlValue>>): WebSocketLike {
    const url = this.socketUrl(path, query)
    const headers = this.headers()
    return this.#WebSocket === undefined ? openWebSocket(url, { headers }) : new this.#WebSocket(url, { headers })
  }

  async fetch(path: string, options: FetchOptions = {}): Promise<Response> {
    const { asked, response } = await this.#exchange(path, options)
    if (!response.ok) throw await apiErrorOf(response, asked)
    return response
  }

  /** Sends a request and reads its answer as JSON. */
  async json(path: string, options: FetchOptions): Promise<unknown> {
    const { asked, response } = await this.#exchange(path, options)
    if (!response.ok) throw await apiErrorOf(response, asked)
    const text = await this.#read(options, asked, () => response.text())
    const contentType = response.headers.get('content-type')
    if (contentType === null || isJson(contentType)) {
      try {
        const value: unknown = JSON.parse(text)
        return value
      } catch {
        // Reported below, like any answer that isn't JSON.
      }
    }
    throw notJsonError({ ...asked, status: response.status, contentType, text })
  }

  /** Sends a request and reads its answer as bytes. */
  async bytes(path: string, options: FetchOptions): Promise<Uint8Array> {
    const { asked, response } = await this.#exchange(path, options)
    if (!response.ok) throw await apiErrorOf(response, asked)
    return new Uint8Array(await this.#read(options, asked, () => response.arrayBuffer()))
  }

  /** Sends a request whose answer is only its status. */
  async discard(path: string, options: FetchOptions): Promise<undefined> {
    const { asked, response } = await this.#exchange(path, options)
    if (!response.ok) throw await apiErrorOf(response, asked)
    // An unread body would keep its connection busy.
    await response.body?.cancel()
    return undefined
  }

  async #exchange(path: string, options: FetchOptions): Promise<{ asked: Asked; response: Response }> {
    const asked = { method: options.method ?? 'GET', url: this.#address(path, options.query) }
    const send = this.#fetch ?? globalThis.fetch
    const init: RequestInit = {
      method: asked.method,
      headers: { Accept: 'application/json', ...options.headers, ...this.#headers },
      credentials: 'same-origin',
      redirect: 'manual',
      ...(options.signal && { signal: options.signal }),
      ...(options.body !== undefined && bodyOf(options.body)),
    }
    const response = await this.#read(options, asked, () => send(asked.url, init))
    return { asked, response }
  }

  /** Runs a step that fails only if the network does or the caller aborts. */
  async #read<T>({ signal }: FetchOptions, asked: Asked, step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      signal?.throwIfAborted()
      throw connectionErrorOf(error, asked)
    }
  }

  #address(path: string, query?: Readonly<Record<string, UrlValue>>): string {
    return this.url + apiPrefix + path + queryString(query)
  }
}

function bodyOf(body: NonNullable<FetchOptions['body']>): RequestInit & { readonly duplex?: 'half' } {
  if (typeof body === 'string') return { body }
  // fetch refuses views of shared memory. The copy costs less than the upload.
  return 'getReader' in body ? { body, duplex: 'half' } : { body: new Uint8Array(body) }
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (canCarry(name, value)) continue
    // The value may be a secret, so the message doesn't show it.
    const what = name === tokenHeader ? 'The token' : `The header "${name}"`
    throw new TypeError(`${what} contains characters that no HTTP header can carry. Check that it was copied correctly.`)
  }
}

function canCarry(name: string, value: string): boolean {
  try {
    return new Headers({ [name]: value }).has(name)
  } catch {
    return false
  }
}
