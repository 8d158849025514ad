import type { ServerResponse } from 'node:http'

/** The server's end of a stream, for a script to push through. */
export interface StubStream {
  /** Sends one value: an event `data` on a watch, a text message on a socket (bytes as a binary one). Resolves when it is on its way. */
  send(value: unknown): Promise<void>
  /** Sends exactly this text: raw bytes of an event stream, or a text message. */
  sendText(text: string): Promise<void>
  /** Ends the stream properly: the end of the body, or close code 1000 unless told otherwise. */
  end(code?: number): void
  /** Breaks the connection without a word. */
  break(): void
  /** Aborted when the stream has ended, whoever ended it. */
  readonly signal: AbortSignal
}

/** A stream of server-sent events. */
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

/** The server's end of a WebSocket: what is used of the class of the `ws` package, whose types the readers of this package may not have. */
interface Socket {
  on(event: 'close' | 'error', listener: () => void): unknown
  send(data: string | Uint8Array, done: () => void): void
  close(code: number): void
  terminate(): void
}

/** A stream of messages. */
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
