import type { Duplex } from 'node:stream'
import { Audience } from '../audience.ts'
import type { Terminal, TerminalSize } from '../terminal.ts'
import type { Timers } from '../timers.ts'
import { InputLines } from './input-lines.ts'
import { Scrollback } from './scrollback.ts'

/** One terminal that any number of clients watch and type into. It outlives them for a while. */
export class SharedTerminal {
  readonly #scrollback = new Scrollback()
  readonly #audience: Audience
  #terminal: Terminal | undefined
  #size: TerminalSize
  #ended = false

  constructor(options: { size: TerminalSize; timers: Timers; onUnattached: () => void }) {
    this.#size = options.size
    const performer = { pause: () => this.#terminal?.pause(), resume: () => this.#terminal?.resume() }
    this.#audience = new Audience({ timers: options.timers, performer, onEmpty: options.onUnattached })
  }

  get isAttached(): boolean {
    return this.#audience.size > 0
  }

  /** Takes the process once it has started. */
  started(terminal: Terminal): void {
    this.#terminal = terminal
    terminal.resize(this.#size)
    if (this.#ended) terminal.end()
  }

  output(bytes: Buffer): void {
    this.#scrollback.add(bytes)
    this.#audience.show(bytes)
  }

  /** Ends every client after the output sent so far, because the process ended. */
  finish(): void {
    this.#ended = true
    this.#audience.finish()
  }

  /** Ends the process. */
  end(): void {
    this.#ended = true
    this.#terminal?.end()
  }

  attach(client: Duplex, size: TerminalSize): void {
    const lines = new InputLines()
    this.#audience.add(client)
    this.#resize(size)
    client.on('data', (chunk: Buffer) => {
      try {
        for (const input of lines.read(chunk)) {
          if (input.size) this.#resize(input.size)
          if (input.data !== undefined) this.#type(client, Buffer.from(input.data))
        }
      } catch (error) {
        client.destroy(error as Error)
      }
    })
    client.once('end', () => client.end())
    const seen = this.#scrollback.content()
    if (seen.length > 0) this.#audience.showTo(client, seen)
    // The process may have ended before its first client came.
    if (this.#ended) this.finish()
  }

  #type(client: Duplex, bytes: Buffer): void {
    if (!this.#terminal) return
    client.pause()
    this.#terminal.write(bytes, () => client.resume())
  }

  #resize(size: TerminalSize): void {
    this.#size = size
    this.#terminal?.resize(size)
  }
}
