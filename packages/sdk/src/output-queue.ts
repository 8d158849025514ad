import type { WebSocketLike } from './websocket.ts'

/** Where a process wrote bytes to. */
export type OutputStream = 'stdout' | 'stderr'

/** Bytes that a process wrote. */
export interface ProcessOutput {
  readonly stream: OutputStream
  readonly bytes: Uint8Array
}

/** How many unread bytes pause a socket that can be paused. */
const pauseAtBytes = 1024 * 1024
/** How many unread bytes close a socket that can't be paused. */
const closeAtBytes = 64 * 1024 * 1024

/** The output of a process that nobody has read yet. */
export class OutputQueue {
  readonly #socket: () => WebSocketLike | undefined
  readonly #waiting: ProcessOutput[] = []
  #bytes = 0
  #isPaused = false
  #isDropping = false
  #isEnded = false
  #error: unknown
  #wake: (() => void) | undefined

  /** @param socket returns what brings the output; undefined before it is open. */
  constructor(socket: () => WebSocketLike | undefined) {
    this.#socket = socket
  }

  add(output: ProcessOutput): void {
    if (this.#isDropping || this.#isEnded) return
    this.#waiting.push(output)
    this.#bytes += output.bytes.length
    const socket = this.#socket()
    if (this.#bytes >= pauseAtBytes && !this.#isPaused && socket?.pause !== undefined) {
      this.#isPaused = true
      socket.pause()
    }
    if (this.#bytes >= closeAtBytes && socket?.pause === undefined) {
      this.end(new Error('The process wrote more than was read. Read its output, or call ignoreOutput().'))
      socket?.close()
    }
    this.#wake?.()
  }

  /** Ends the output, with the reason if it broke off. */
  end(error?: unknown): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#error = error
    this.#wake?.()
  }

  /** Drops what is there and what comes. */
  drop(): void {
    this.#isDropping = true
    this.#waiting.length = 0
    this.#bytes = 0
    this.#resume()
  }

  /** Waits for output; undefined at its end. Rejects if it broke off. */
  async next(): Promise<ProcessOutput | undefined> {
    while (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const output = this.#waiting.shift()
    if (output === undefined) {
      if (this.#error !== undefined) throw this.#error
      return undefined
    }
    this.#bytes -= output.bytes.length
    if (this.#bytes < pauseAtBytes / 2) this.#resume()
    return output
  }

  #resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket()?.resume?.()
  }
}
