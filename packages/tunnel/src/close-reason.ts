import type { WebSocket } from 'ws'

/** Why one end closes a WebSocket: the code and the text of its close frame. */
export interface CloseReason {
  readonly code: number
  readonly text: string
}

/** Status codes of close frames (RFC 6455, 7.4.1). */
const code = {
  normal: 1000,
  goingAway: 1001,
  unsupportedData: 1003,
  invalidPayload: 1007,
  policyViolation: 1008,
  internalError: 1011,
  tryAgainLater: 1013,
} as const

/**
 * The reasons for which the server closes the sockets of agents, and of clients that it connects to
 * agents.
 */
export const closeReasons = {
  /** Everything that was to be sent has been sent. */
  finished: { code: code.normal, text: '' },
  /**
   * The agent's workspace has a newer build, so it should not reconnect soon (Coder v2 API,
   * v0.13.4).
   */
  buildOutdated: { code: code.goingAway, text: 'build is outdated' },
  /** The agent's workspace was deleted, or its owner is no longer active. */
  agentRevoked: { code: code.policyViolation, text: 'the agent may no longer connect' },
  /** The session of the person who opened the socket has ended. */
  sessionEnded: { code: code.policyViolation, text: 'the session has ended' },
  /** The server stops; another one, or this one again, may take the next connection. */
  serverStopping: { code: code.goingAway, text: 'the server is shutting down' },
  /** A newer connection of the same agent replaces this one. */
  agentReconnected: { code: code.normal, text: 'the agent opened a newer connection' },
  /** The user has as many tunnels to workspaces as one user may have. */
  tooManyTunnels: { code: code.tryAgainLater, text: 'you have too many connections to workspaces open: close some and try again' },
  notBinary: { code: code.unsupportedData, text: 'send binary messages only' },
  invalidTerminalInput: { code: code.invalidPayload, text: 'each message must be one JSON object' },
  invalidProcessMessage: {
    code: code.invalidPayload,
    text: 'each message must be one JSON object as text, or 0 and bytes for stdin',
  },
  invalidStats: { code: code.invalidPayload, text: 'each message must be one JSON object with whole numbers' },
  invalidNode: { code: code.internalError, text: 'each message must be one JSON object' },
  statsNotStored: { code: code.internalError, text: 'the statistics could not be stored' },
} as const satisfies Readonly<Record<string, CloseReason>>

/** How much text a close frame has room for, in bytes of UTF-8 (RFC 6455, 5.5). */
const maxTextBytes = 123

/**
 * The reason for a socket that closes because of an error. A message too long for the close frame
 * is cut.
 */
export function closeReasonOf(error: unknown): CloseReason {
  const message = error instanceof Error ? error.message : String(error)
  // A character that is cut in two is replaced by one of three bytes.
  const text = Buffer.from(message)
    .subarray(0, maxTextBytes - 2)
    .toString('utf8')
  return { code: code.internalError, text }
}

/** Starts the closing handshake of a socket. */
export function closeSocket(socket: Pick<WebSocket, 'close'>, { code: status, text }: CloseReason): void {
  socket.close(status, text)
}

/** Whether a socket was closed for a reason, by the code and the text of the peer's close frame. */
export function isClosedFor(reason: CloseReason, closed: CloseReason): boolean {
  return reason.code === closed.code && reason.text === closed.text
}
