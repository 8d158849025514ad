import type { ServerResponse } from 'node:http'

/** The server's end of a stream. */
export interface StubStream {
  /**
   * Sends a value: a `data` event on a watch, a text message on a socket (a binary one for bytes).
   * Resolves once it is sent.
   */
  send(value: unknown): Promise<void>
  /** Sends this exact text: as raw bytes of an event stream, or as a text message. */
  sendText(text: string): Promise<void>
  /** Ends the stream: closes the body, or the socket with this code (default: 1000). */
  end(code?: number): void
  /** Breaks the connection without closing it properly. */
  break(): void
  /** Aborted when the stream ends, whoever ends it. */
  readonly signal: AbortSignal
}

/** Wraps a response as a stream of server-sent events. */
export function eventStream(response: ServerResponse): StubStream {
  const ended = new AbortController()
  response.on('close', () => {
    ended.abort()
  })
  response.on('error', () => undefined)
  const sendText = (text: string) => new Promise<void>((resolve) => response.write(text, () => resolve()))
  return {
    sendText,
    send: (value) => sendText(`event: data\ndata: ${JSON.stringify(value)}\n\n`),
    end: () => {
      response.end()
    },
    break: () => {
      response.socket?.destroy()
    },
    signal: ended.signal,
  }
}

/**
 * The part of the `ws` package's class that is used here. Users of this package may not have its
 * types.
 */
interface Socket {
  on(event: 'close' | 'error', listener: () => void): unknown
  send(data: string | Uint8Array, done: () => void): void
  close(code: number): void
  terminate(): void
}

/** Wraps a WebSocket as a stream of messages. */
export function messageStream(socket: Socket): StubStream {
  const ended = new AbortController()
  socket.on('close', () => {
    ended.abort()
  })
  socket.on('error', () => undefined)
  const write = (data: string | Uint8Array) => new Promise<void>((resolve) => socket.send(data, () => resolve()))
  return {
    sendText: write,
    send: (value) => write(value instanceof Uint8Array ? value : `${JSON.stringify(value)}\n`),
    end: (code = 1000) => {
      socket.close(code)
    },
    break: () => {
      socket.terminate()
    },
    signal: ended.signal,
  }
}
