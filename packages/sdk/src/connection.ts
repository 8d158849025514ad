import { openWebSocket } from '#websocket'
import { apiErrorOf, isJson, notJsonError, type Asked } from './api-error.ts'
import { connectionErrorOf } from './connection-error.ts'
import { parseServerUrl, queryString, type UrlValue } from './request-url.ts'
import type { WebSocketConstructor, WebSocketLike } from './websocket.ts'

/** How a client reaches its server. */
export interface ConnectionOptions {
  /** The address of the server; may have a path prefix, may end in a slash. */
  readonly url: string | URL
  /** A session token or an agent's token. Without one, a browser's cookie serves. */
  readonly token?: string | undefined
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Sent with every request, for example for a proxy in front of the server. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Opens the sockets of log streams. Default: the `ws` package in Node, the global `WebSocket` in browsers. */
  readonly WebSocket?: WebSocketConstructor | undefined
}

/** One request to a path of the API. */
export interface FetchOptions {
  /** Default `GET`. */
  readonly method?: string
  readonly query?: Readonly<Record<string, UrlValue>> | undefined
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

const tokenHeader = 'Coder-Session-Token'
const apiPrefix = '/api/v2'

/** The way to one server with one set of credentials. */
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

  /** An answer that is one JSON document. */
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
        // Told below, as any answer that is not JSON.
      }
    }
    throw notJsonError({ ...asked, status: response.status, contentType, text })
  }

  /** An answer that is bytes. */
  async bytes(path: string, options: FetchOptions): Promise<Uint8Array> {
    const { asked, response } = await this.#exchange(path, options)
    if (!response.ok) throw await apiErrorOf(response, asked)
    return new Uint8Array(await this.#read(options, asked, () => response.arrayBuffer()))
  }

  /** An answer that says nothing but its status. */
  async discard(path: string, options: FetchOptions): Promise<undefined> {
    const { asked, response } = await this.#exchange(path, options)
    if (!response.ok) throw await apiErrorOf(response, asked)
    // An unread body would hold its connection.
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
      // A view over shared memory is no body; the copy costs less than the upload.
      ...(options.body !== undefined && { body: typeof options.body === 'string' ? options.body : new Uint8Array(options.body) }),
    }
    const response = await this.#read(options, asked, () => send(asked.url, init))
    return { asked, response }
  }

  /** Runs a step that fails only when the network does or the caller gave up. */
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

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (canCarry(name, value)) continue
    // The value may be a secret, and is not shown.
    const what = name === tokenHeader ? 'The token' : `The header "${name}"`
    throw new TypeError(`${what} holds characters that no header can carry.`)
  }
}

function canCarry(name: string, value: string): boolean {
  try {
    return new Headers({ [name]: value }).has(name)
  } catch {
    return false
  }
}
