/**
 * What this package asks of a WebSocket: the part that browsers and the `ws` package have in common.
 * @module
 */

/** A message that arrived. */
export interface SocketMessage {
  readonly data: unknown
}

/** Why a socket closed. */
export interface SocketClose {
  readonly code: number
  readonly reason: string
}

/** An error of a socket. Browsers say nothing about it. */
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
  /** Stops reading from the network (`ws` has it, browsers don't). */
  pause?(): void
  resume?(): void
}

/** Opens a socket with request headers, as the class of the `ws` package does. */
export type WebSocketConstructor = new (url: string, options: { headers: Record<string, string> }) => WebSocketLike
