/**
 * The part of a WebSocket that this package uses, which browsers and the `ws` package share.
 * @module
 */

/** A received message. */
export interface SocketMessage {
  readonly data: unknown
}

/** Why a socket closed. */
export interface SocketClose {
  readonly code: number
  readonly reason: string
}

/** An error of a socket. Browsers don't say what it is. */
export interface SocketError {
  readonly error?: unknown
  readonly message?: string
}

/** A client's end of a WebSocket. */
export interface WebSocketLike {
  addEventListener(type: 'open', listener: () => void): void
  addEventListener(type: 'message', listener: (event: SocketMessage) => void): void
  addEventListener(type: 'close', listener: (event: SocketClose) => void): void
  addEventListener(type: 'error', listener: (event: SocketError) => void): void
  close(code?: number, reason?: string): void
  /** Needed to talk to processes. */
  send?(data: string | Uint8Array<ArrayBuffer>): void
  /** How `data` of binary messages arrives. */
  binaryType?: string
  /** How many bytes wait to be sent. */
  readonly bufferedAmount?: number
  /** Stops reading from the network. `ws` has this, browsers don't. */
  pause?(): void
  resume?(): void
}

/** A class that opens a socket with request headers, like that of the `ws` package. */
export type WebSocketConstructor = new (url: string, options: { headers: Record<string, string> }) => WebSocketLike
