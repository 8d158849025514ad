import type { Frame } from '@berth/tunnel'

/** Keeps the latest output of a process, for clients that attach later. */
export class Replay {
  readonly #limitBytes: number
  readonly #frames: Frame[] = []
  #keptBytes = 0
  #totalBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** How much has been added, including what is no longer kept. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  add(frame: Frame): void {
    this.#frames.push(frame)
    this.#keptBytes += frame.bytes.length
    this.#totalBytes += frame.bytes.length
    for (let first = this.#frames[0]; first && this.#keptBytes - first.bytes.length >= this.#limitBytes; first = this.#frames[0]) {
      this.#frames.shift()
      this.#keptBytes -= first.bytes.length
    }
  }

  /** Returns what was added after the first `seenBytes` bytes, as far as it is kept. */
  after(seenBytes: number): Frame[] {
    const start = Math.max(seenBytes, this.#totalBytes - this.#limitBytes)
    let at = this.#totalBytes - this.#keptBytes
    return this.#frames.flatMap(({ channel, bytes }) => {
      const skipped = Math.max(0, start - at)
      at += bytes.length
      return skipped >= bytes.length ? [] : [{ channel, bytes: bytes.subarray(skipped) }]
    })
  }
}
