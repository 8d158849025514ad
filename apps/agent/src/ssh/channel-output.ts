import type { Readable, Writable } from 'node:stream'
import type { ServerChannel } from 'ssh2'

/** What ssh2 keeps of a write that had to wait for the client, emptied. */
const nothingBlocked = { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined }

/**
 * Writes to a channel, one piece at a time, and knows when the client is gone.
 *
 * ssh2 remembers the last piece that had to wait and sends it again when the other stream of the channel has to wait later: output would be repeated. So
 * stdout and stderr take turns, and what is remembered is cleared after each piece. It also never calls back when the channel closes while a piece waits.
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

  /** Resolves with whether the channel took the bytes; false means that it is closed. Never rejects. */
  write(bytes: Buffer, to: 'stdout' | 'stderr' = 'stdout'): Promise<boolean> {
    const written = this.#turn.then(() => this.#send(bytes, to === 'stdout' ? this.#channel : this.#channel.stderr))
    this.#turn = written
    return written
  }

  /** Sends all of a stream, holding it back as the client does. After the channel closed the rest is read and dropped, so that nobody gets stuck. */
  async writeAll(from: Readable, to: 'stdout' | 'stderr'): Promise<void> {
    try {
      for await (const chunk of from) await this.write(chunk as Buffer, to)
    } catch {
      // The process is gone before its output was read to the end; how it ended is told elsewhere.
    }
  }

  /** Tells how the process ended and closes the channel, after everything written before. Never rejects. */
  async exit(end: { code: number; signal: string | undefined }): Promise<void> {
    await this.#turn
    if (this.#closed) return
    try {
      this.#tellEnd(end)
      this.#channel.end()
    } catch {
      // The connection broke between two events: the channel can only be dropped.
      this.#channel.destroy()
    }
  }

  #tellEnd({ code, signal }: { code: number; signal: string | undefined }): void {
    if (signal === undefined) {
      this.#channel.exit(code)
      return
    }
    try {
      this.#channel.exit(signal.replace(/^SIG/, ''), false, '')
    } catch {
      // SSH names only some signals; a shell says the rest with a number.
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
