import type { Duplex } from 'node:stream'
import type { Terminal, TerminalSize } from '../terminal.ts'
import { InputLines } from './input-lines.ts'
import { Scrollback } from './scrollback.ts'

/** The timers to use, so that a test can control them. */
export interface Timers {
  setTimeout: (action: () => void, delayMs: number) => { cancel: () => void }
}

/** How long one client may hold up the others by not reading. */
const slowClientTimeoutMs = 10_000

/** One terminal that any number of clients watch and type into. It outlives them for a while. */
export class SharedTerminal {
  readonly #timers: Timers
  readonly #onUnattached: () => void
  readonly #scrollback = new Scrollback()
  /** The clients, each with a timer while it isn't reading. */
  readonly #clients = new Map<Duplex, { cancel: () => void } | undefined>()
  #terminal: Terminal | undefined
  #size: TerminalSize
  #ended = false

  constructor(options: { size: TerminalSize; timers: Timers; onUnattached: () => void }) {
    this.#size = options.size
    this.#timers = options.timers
    this.#onUnattached = options.onUnattached
  }

  get isAttached(): boolean {
    return this.#clients.size > 0
  }

  /** Takes the process once it has started. */
  started(terminal: Terminal): void {
    this.#terminal = terminal
    terminal.resize(this.#size)
    if (this.#ended) terminal.end()
  }

  output(bytes: Buffer): void {
    this.#scrollback.add(bytes)
    for (const client of this.#clients.keys()) this.#show(client, bytes)
  }

  /** Ends every client after the output sent so far, because the process ended. */
  finish(): void {
    this.#ended = true
    for (const [client, lag] of this.#clients) {
      lag?.cancel()
      client.end()
    }
    this.#clients.clear()
  }

  /** Ends the process. */
  end(): void {
    this.#ended = true
    this.#terminal?.end()
  }

  attach(client: Duplex, size: TerminalSize): void {
    const lines = new InputLines()
    this.#clients.set(client, undefined)
    this.#resize(size)
    client.on('drain', () => this.#caughtUp(client))
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
    client.once('close', () => this.#detach(client))
    const seen = this.#scrollback.content()
    if (seen.length > 0) this.#show(client, seen)
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

  /**
   * Writes output to a client. A slow one holds back the program, as a slow terminal does, but not
   * for long when others watch.
   */
  #show(client: Duplex, bytes: Buffer): void {
    if (client.write(bytes) || this.#clients.get(client)) return
    this.#terminal?.pause()
    const lag = this.#timers.setTimeout(() => {
      if (this.#clients.size > 1) client.destroy()
    }, slowClientTimeoutMs)
    this.#clients.set(client, lag)
  }

  #caughtUp(client: Duplex): void {
    this.#clients.get(client)?.cancel()
    if (this.#clients.has(client)) this.#clients.set(client, undefined)
    this.#resumeWhenAllRead()
  }

  #detach(client: Duplex): void {
    this.#clients.get(client)?.cancel()
    if (!this.#clients.delete(client)) return
    this.#resumeWhenAllRead()
    if (this.#clients.size === 0) this.#onUnattached()
  }

  #resumeWhenAllRead(): void {
    if ([...this.#clients.values()].every((lag) => lag === undefined)) this.#terminal?.resume()
  }
}
