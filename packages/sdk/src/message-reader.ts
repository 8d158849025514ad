import type { WebSocketLike } from './websocket.ts'

/** Number of waiting messages at which to pause a socket that can be paused. */
const pauseAt = 1000
/** Number of waiting messages at which to resume it. */
const resumeAt = 100
/** Number of waiting messages at which to close a socket that can't be paused. */
const closeAt = 10_000

/** Reads the text messages of a socket one by one, at the reader's pace. */
export class MessageReader {
  readonly #socket: WebSocketLike
  readonly #signal: AbortSignal | undefined
  #waiting: string[] = []
  #read = 0
  #wake: (() => void) | undefined
  #isPaused = false
  #isEnded = false
  #isClosed = false
  #hasOpened = false
  #closeCode: number | undefined
  #error: unknown

  constructor(socket: WebSocketLike, signal?: AbortSignal) {
    this.#socket = socket
    this.#signal = signal
    socket.addEventListener('open', () => {
      this.#hasOpened = true
    })
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#receive(data)
    })
    socket.addEventListener('error', ({ error }) => {
      this.#error ??= error
    })
    socket.addEventListener('close', ({ code }) => {
      if (!this.#isEnded) this.#closeCode = code
      this.#end()
    })
    signal?.addEventListener('abort', this.close)
    if (signal?.aborted) this.close()
  }

  /** Whether the handshake succeeded. */
  get hasOpened(): boolean {
    return this.#hasOpened
  }

  /** The close code. Undefined while the socket is open, and if this side closed it. */
  get closeCode(): number | undefined {
    return this.#closeCode
  }

  /** The first error of the socket, if any. */
  get error(): unknown {
    return this.#error
  }

  /**
   * Waits for the next message. Undefined when the socket has closed and all its messages have been
   * read.
   */
  async next(): Promise<string | undefined> {
    while (this.#read === this.#waiting.length && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#signal?.aborted) return undefined
    const message = this.#waiting[this.#read]
    if (message !== undefined) this.#advance()
    return message
  }

  /** Closes the socket from this side. */
  readonly close = (): void => {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#end()
    // A paused socket would not see the other side's close.
    if (this.#isPaused) this.#socket.resume?.()
    this.#socket.close(1000)
  }

  #receive(message: string): void {
    if (this.#isEnded) return
    this.#waiting.push(message)
    const count = this.#waiting.length - this.#read
    if (count >= pauseAt && !this.#isPaused && this.#socket.pause !== undefined) {
      this.#isPaused = true
      this.#socket.pause()
    }
    if (count >= closeAt && this.#socket.pause === undefined) this.close()
    this.#wake?.()
  }

  #advance(): void {
    this.#read += 1
    if (this.#read < resumeAt && this.#read < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#read)
    this.#read = 0
    if (this.#isPaused && this.#waiting.length <= resumeAt) {
      this.#isPaused = false
      this.#socket.resume?.()
    }
  }

  #end(): void {
    this.#isEnded = true
    this.#signal?.removeEventListener('abort', this.close)
    this.#wake?.()
  }
}
