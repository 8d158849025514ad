/// <reference lib="esnext.disposable" preserve="true" />
import { processChannels } from '@berth/schema/routes'
import type { SignalProcessRequest, WorkspaceProcess } from '@berth/schema/shapes'
import { ApiError } from './api-error.ts'
import { ConnectionError } from './connection-error.ts'
import { OutputQueue, type OutputStream, type ProcessOutput } from './output-queue.ts'
import type { WebSocketLike } from './websocket.ts'

/** How a process ended. */
export interface ProcessEnd {
  /** -1 if a signal ended it. */
  readonly exitCode: number
  /** The signal that ended it, such as `SIGTERM`; empty if none did. */
  readonly signal: string
}

/** A window's size. */
export interface WindowSize {
  readonly rows: number
  readonly columns: number
}

/** What the server says about a process, as text messages. */
interface ServerMessage {
  readonly started?: WorkspaceProcess
  readonly attached?: WorkspaceProcess
  readonly failed?: { readonly status: number; readonly message: string; readonly detail?: string }
  readonly exited?: { readonly exit_code: number; readonly signal: string }
  readonly detached?: true
}

/** How many bytes may wait to be sent before a writer has to wait. */
const maxUnsentBytes = 1024 * 1024
const unsentPollMs = 5
/** A line without an end is cut here, in characters. */
const maxLineCharacters = 1024 * 1024

/**
 * A process in a workspace, as one client sees it.
 *
 * Output that nobody reads holds the process back: read it, or call {@link
 * RunningProcess.ignoreOutput} or {@link RunningProcess.wait}.
 */
export class RunningProcess {
  /** What the workspace says of the process once it runs. Rejects if it can't be started. */
  readonly started: Promise<WorkspaceProcess>
  readonly #url: string
  readonly #output = new OutputQueue(() => this.#socket)
  readonly #start = new Settling<WorkspaceProcess>()
  readonly #end = new Settling<ProcessEnd>()
  readonly #detach = new Settling<void>()
  #socket: WebSocketLike | undefined
  #isClosed = false

  /**
   * @param open opens the socket, once the workspace is known.
   * @param url of the socket, for errors.
   * @param request the first message, if the process is to be started.
   */
  constructor(open: () => Promise<WebSocketLike>, { url, request }: { readonly url: string; readonly request?: object }) {
    this.#url = url
    this.started = this.#start.promise
    void this.#connect(open, request)
  }

  /** The ID by which other clients attach. */
  async id(): Promise<string> {
    return (await this.started).id
  }

  /** Writes to stdin. Waits while much of what was written before has not been sent. */
  async write(data: string | Uint8Array): Promise<void> {
    await this.started
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    const message = new Uint8Array(bytes.length + 1)
    message[0] = processChannels.stdin
    message.set(bytes, 1)
    this.#send(message)
    while ((this.#socket?.bufferedAmount ?? 0) > maxUnsentBytes && !this.#isClosed) await pause(unsentPollMs)
  }

  /** Ends stdin. */
  async endInput(): Promise<void> {
    await this.#control({ end_stdin: true })
  }

  /** Sends a signal to the process and to what it started. */
  async kill(signal: SignalProcessRequest['signal'] = 'SIGTERM'): Promise<void> {
    await this.#control({ signal })
  }

  /** Tells a terminal its size. */
  async resize({ rows, columns }: WindowSize): Promise<void> {
    await this.#control({ resize: { height: rows, width: columns } })
  }

  /** Leaves the process running, and returns the ID by which to attach to it again. */
  async detach(): Promise<string> {
    const { id } = await this.started
    await this.#control({ detach: true })
    await this.#detach.promise
    this.close()
    return id
  }

  /** Drops all output that has not been read. */
  ignoreOutput(): this {
    this.#output.drop()
    return this
  }

  /** Waits for the end of the process, and drops the output that has not been read. */
  async wait(): Promise<ProcessEnd> {
    this.ignoreOutput()
    return await this.#end.promise
  }

  /** Waits for the end of the process. Somebody has to read the output. */
  async exited(): Promise<ProcessEnd> {
    return await this.#end.promise
  }

  /** Leaves the process, which ends unless it is detached or has other clients. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // A paused socket would not see the other side's close.
    this.#socket?.resume?.()
    this.#socket?.close(1000)
    this.#finish(new Error('The process was left before it ended.'))
  }

  /** Yields the output as it arrives. Leaving the loop doesn't end the process. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ProcessOutput, void, void> {
    for (let output = await this.#output.next(); output !== undefined; output = await this.#output.next()) yield output
  }

  /**
   * Yields the lines of stdout and stderr, or of one of them, without their ends. Leaving the loop
   * doesn't end the process.
   */
  async *lines(of?: OutputStream): AsyncGenerator<string, void, void> {
    const readers = { stdout: new LineReader(), stderr: new LineReader() }
    for await (const { stream, bytes } of this) if (of === undefined || of === stream) yield* readers[stream].read(bytes)
    yield* readers.stdout.rest()
    yield* readers.stderr.rest()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.started.catch(() => undefined)
    this.close()
  }

  async #connect(open: () => Promise<WebSocketLike>, request: object | undefined): Promise<void> {
    try {
      const socket = await open()
      if (this.#isClosed) return socket.close(1000)
      this.#socket = socket
      socket.binaryType = 'arraybuffer'
      let refusal: unknown
      socket.addEventListener('open', () => {
        if (request !== undefined) this.#send(JSON.stringify(request))
      })
      socket.addEventListener('message', ({ data }) => this.#receive(data))
      socket.addEventListener('error', ({ error }) => {
        refusal ??= error
      })
      socket.addEventListener('close', ({ code, reason }) => {
        this.#finish(ApiError.is(refusal) ? refusal : this.#broken(`${code} ${reason}`.trim(), refusal))
      })
    } catch (error) {
      this.#finish(error)
    }
    return undefined
  }

  #receive(data: unknown): void {
    if (typeof data === 'string') return this.#hear(JSON.parse(data) as ServerMessage)
    if (!(data instanceof ArrayBuffer)) return
    const [channel] = new Uint8Array(data, 0, 1)
    this.#output.add({ stream: channel === processChannels.stderr ? 'stderr' : 'stdout', bytes: new Uint8Array(data, 1) })
  }

  #hear({ started, attached, failed, exited, detached }: ServerMessage): void {
    const process = started ?? attached
    if (process !== undefined) this.#start.resolve(process)
    if (failed !== undefined) this.#finish(new ApiError({ method: 'GET', url: this.#url, ...failed }))
    if (detached) this.#detach.resolve()
    if (exited === undefined) return
    this.#output.end()
    this.#end.resolve({ exitCode: exited.exit_code, signal: exited.signal })
  }

  /** Settles what is still waited for. */
  #finish(error: unknown): void {
    this.#isClosed = true
    this.#start.reject(error)
    this.#end.reject(error)
    this.#detach.reject(error)
    this.#output.end(error)
  }

  #broken(reason: string, cause: unknown): ConnectionError {
    const message = `The connection to the process broke (${reason}). Attach to it again if it is detached.`
    return new ConnectionError(message, { method: 'GET', url: this.#url, cause })
  }

  async #control(message: object): Promise<void> {
    await this.started
    this.#send(JSON.stringify(message))
  }

  #send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed || this.#socket === undefined) return
    if (this.#socket.send === undefined) throw new TypeError('The WebSocket given to createClient cannot send.')
    this.#socket.send(message)
  }
}

/** A promise that is settled from outside, once. That it rejects is nobody's duty to notice. */
class Settling<Value> {
  readonly promise: Promise<Value>
  #settle: { readonly resolve: (value: Value) => void; readonly reject: (error: unknown) => void } | undefined

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.promise.catch(() => undefined)
  }

  resolve(value: Value): void {
    this.#settle?.resolve(value)
  }

  reject(error: unknown): void {
    this.#settle?.reject(error)
  }
}

/** Splits bytes into lines of text. */
class LineReader {
  readonly #decoder = new TextDecoder()
  #rest = ''

  read(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/\r?\n/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length <= maxLineCharacters) return lines
    return [...lines, ...this.rest()]
  }

  /** Returns the last line if it has no end. */
  rest(): string[] {
    const rest = this.#rest
    this.#rest = ''
    return rest === '' ? [] : [rest]
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })
}
