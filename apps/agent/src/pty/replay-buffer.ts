/** Keeps the last bytes of an output, for who joins later. */
export class ReplayBuffer {
  readonly #limit: number
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (let first = this.#chunks[0]; first && this.#bytes - first.length >= this.#limit; first = this.#chunks[0]) {
      this.#chunks.shift()
      this.#bytes -= first.length
    }
  }

  /** At most the limit, from the end. */
  content(): Buffer {
    const all = Buffer.concat(this.#chunks)
    return all.subarray(Math.max(0, all.length - this.#limit))
  }
}
