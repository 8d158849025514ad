/**
 * How much of a terminal's latest output a reconnecting client sees again, in bytes (Coder v2 API,
 * v0.13.4).
 */
export const scrollbackBytes = 64 * 1024

/** Keeps the latest bytes of a terminal's output. */
export class Scrollback {
  readonly #limitBytes: number
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(limitBytes = scrollbackBytes) {
    this.#limitBytes = limitBytes
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (let first = this.#chunks[0]; first && this.#bytes - first.length >= this.#limitBytes; first = this.#chunks[0]) {
      this.#chunks.shift()
      this.#bytes -= first.length
    }
  }

  /** Returns the latest bytes, at most as many as the limit. */
  content(): Buffer {
    const all = Buffer.concat(this.#chunks)
    return all.subarray(Math.max(0, all.length - this.#limitBytes))
  }
}
