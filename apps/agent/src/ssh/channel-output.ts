import type { Readable, Writable } from 'node:stream'
import type { ServerChannel } from 'ssh2'

/** Clears what ssh2 remembers of a write that waited for the client. */
const nothingBlocked = { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined }

/**
 * Writes to a channel, one chunk at a time, and notices when it closes.
 *
 * ssh2 remembers the last chunk that had to wait, and sends it again when the channel's other
 * stream has to wait later, which would repeat output. So stdout and stderr take turns, and what
 * ssh2 remembers is cleared after each chunk. ssh2 also never calls back when the channel closes
 * while a chunk waits.
 */
export class ChannelOutput {
  readonly #channel: ServerChannel
  #turn: Promise<unknown> = Promise.resolve()
  #settle: ((delivered: boolean) => void) | undefined
  #closed = false

  constructor(channel: ServerChannel) {
    this.#channel = channel
    channel.once('close', () => {
      this.#closed = true
      this.#settle?.(false)
    })
  }

  /** Resolves with whether the channel took the bytes; false when it is closed. Never rejects. */
  write(bytes: Buffer, to: 'stdout' | 'stderr' = 'stdout'): Promise<boolean> {
    const written = this.#turn.then(() => this.#send(bytes, to === 'stdout' ? this.#channel : this.#channel.stderr))
    this.#turn = written
    return written
  }

  /**
   * Sends a whole stream, as fast as the client reads. Once the channel has closed, the rest is
   * read and dropped, so that the process doesn't block.
   */
  async writeAll(from: Readable, to: 'stdout' | 'stderr'): Promise<void> {
    try {
      for await (const chunk of from) await this.write(chunk as Buffer, to)
    } catch {
      // The process ended before its output was read to the end; exit() reports how it ended.
    }
  }

  /**
   * Reports how the process ended and closes the channel, after all earlier writes. Never rejects.
   */
  async exit(end: { code: number; signal: string | undefined }): Promise<void> {
    await this.#turn
    if (this.#closed) return
    try {
      this.#sendEnd(end)
      this.#channel.end()
    } catch {
      // The connection broke meanwhile, so the channel can only be dropped.
      this.#channel.destroy()
    }
  }

  #sendEnd({ code, signal }: { code: number; signal: string | undefined }): void {
    if (signal === undefined) {
      this.#channel.exit(code)
      return
    }
    try {
      this.#channel.exit(signal.replace(/^SIG/, ''), false, '')
    } catch {
      // SSH has names for only some signals; a shell reports the others with a number.
      this.#channel.exit(128)
    }
  }

  #send(bytes: Buffer, target: Writable): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#settle = resolve
      try {
        target.write(bytes, () => {
          Object.assign(this.#channel, nothingBlocked)
          this.#settle = undefined
          resolve(true)
        })
      } catch {
        resolve(false)
      }
    })
  }
}
