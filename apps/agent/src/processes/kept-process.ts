import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { StartProcessRequest, WorkspaceProcess } from '@berth/schema'
import { maxProcessMessageBytes, processChannels, processReplayBytes } from '@berth/schema/rules'
import { encodeFrame, FrameReader, type Frame } from '@berth/tunnel'
import { Audience } from '../audience.ts'
import { CallFailure } from '../calls/call-failure.ts'
import type { ProcessSessions } from '../process-sessions.ts'
import { signalOfClient } from '../ssh/signals.ts'
import { Terminal, type ProcessEnd, type TerminalSize } from '../terminal.ts'
import type { Timers } from '../timers.ts'
import type { Launch } from '../workspace.ts'
import { PipedChild } from './piped-child.ts'
import { Replay } from './replay.ts'

export interface KeptProcessOptions {
  request: StartProcessRequest
  launch: Launch
  sessions: ProcessSessions
  timers: Timers
  /** Called when the process has ended. */
  onEnded: () => void
}

/** What a terminal's client types to end the input. */
const endOfInput = Buffer.from([4])

/** One process that any number of clients watch and write to. */
export class KeptProcess {
  readonly id = randomUUID()
  readonly #options: KeptProcessOptions
  readonly #startedAt = new Date()
  readonly #replay = new Replay(processReplayBytes)
  readonly #audience: Audience
  #isDetached: boolean
  #child: PipedChild | Terminal | undefined
  #end: (ProcessEnd & { at: Date }) | undefined

  private constructor(options: KeptProcessOptions) {
    this.#options = options
    this.#isDetached = options.request.detached ?? false
    this.#audience = new Audience({
      timers: options.timers,
      performer: { pause: () => this.#child?.pause(), resume: () => this.#child?.resume() },
      onEmpty: () => {
        if (!this.#isDetached) this.end()
      },
    })
  }

  /** Starts a process. Rejects with `CallFailure` when it can't be started. */
  static async start(options: KeptProcessOptions): Promise<KeptProcess> {
    const process = new KeptProcess(options)
    await process.#start()
    return process
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  /** Returns the process as clients see it. */
  describe(): WorkspaceProcess {
    const { request, launch } = this.#options
    return {
      id: this.id,
      command: request.command,
      cwd: launch.cwd,
      pid: this.#child?.pid ?? 0,
      has_terminal: request.terminal !== undefined,
      detached: this.#isDetached,
      clients: this.#audience.size,
      output_bytes: this.#replay.totalBytes,
      started_at: this.#startedAt.toISOString(),
      ...(this.#end && { ended_at: this.#end.at.toISOString(), exit_code: codeOf(this.#end) }),
      ...(this.#end?.signal !== undefined && { signal: this.#end.signal }),
    }
  }

  /** Lets a client watch and write, beginning after the bytes of output that it has seen. */
  attach(client: Duplex, seenBytes: number): void {
    const input = new FrameReader(maxProcessMessageBytes)
    this.#audience.add(client)
    client.on('data', (chunk: Buffer) => {
      try {
        for (const frame of input.read(chunk)) this.#receive(client, frame)
      } catch (error) {
        client.destroy(error as Error)
      }
    })
    client.once('end', () => client.end())
    for (const { channel, bytes } of this.#replay.after(seenBytes)) this.#audience.showTo(client, encodeFrame(channel, bytes))
    // The process may have ended before its first client came.
    if (this.#end) this.#finish(this.#end)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal)
  }

  /** Hangs the process up and, some seconds later, kills what is left of it. */
  end(): void {
    this.#child?.end()
  }

  async #start(): Promise<void> {
    const { request, launch, sessions } = this.#options
    const onEnd = (end: ProcessEnd): void => this.#ended(end)
    if (request.terminal === undefined) {
      this.#child = await PipedChild.start({ launch, sessions, onOutput: (channel, bytes) => this.#output({ channel, bytes }), onEnd })
      return
    }
    const size = sizeOf(request.terminal)
    const onOutput = (bytes: Buffer): void => this.#output({ channel: processChannels.stdout, bytes })
    try {
      this.#child = await Terminal.start({ launch, type: 'xterm-256color', size, sessions, onOutput, onEnd })
    } catch (error) {
      throw new CallFailure('invalid_command', `The terminal could not be started: ${(error as Error).message}`)
    }
  }

  #output(frame: Frame): void {
    this.#replay.add(frame)
    this.#audience.show(encodeFrame(frame.channel, frame.bytes))
  }

  #ended(end: ProcessEnd): void {
    this.#end = { ...end, at: new Date() }
    this.#finish(end)
    this.#options.onEnded()
  }

  #finish(end: ProcessEnd): void {
    const exited = { exit_code: codeOf(end), signal: end.signal ?? '' }
    this.#audience.show(controlFrame({ exited }))
    this.#audience.finish()
  }

  #receive(client: Duplex, { channel, bytes }: Frame): void {
    if (channel === processChannels.control) return this.#control(client, JSON.parse(bytes.toString('utf8')))
    if (channel !== processChannels.stdin) throw new Error(`A client sent a frame on channel ${channel}.`)
    client.pause()
    // What several clients write at once is interleaved, as in a terminal.
    this.#child?.write(Buffer.from(bytes), () => client.resume())
    return undefined
  }

  #control(client: Duplex, message: unknown): void {
    if (typeof message !== 'object' || message === null) return
    if ('detach' in message) {
      this.#isDetached = true
      // The client may leave only now, because leaving overtakes what it has sent.
      this.#audience.showTo(client, controlFrame({ detached: true }))
    }
    if ('end_stdin' in message) this.#endInput()
    if ('signal' in message) {
      const signal = signalOfClient(String(message.signal))
      if (signal) this.signal(signal)
    }
    if ('resize' in message && this.#child instanceof Terminal) this.#child.resize(sizeOf(message.resize))
  }

  #endInput(): void {
    if (this.#child instanceof Terminal) this.#child.write(endOfInput, () => undefined)
    else this.#child?.endInput()
  }
}

function controlFrame(message: object): Buffer {
  return encodeFrame(processChannels.control, Buffer.from(JSON.stringify(message)))
}

/** A process that a signal ended has no code, though a terminal reports one. */
function codeOf({ code, signal }: ProcessEnd): number {
  return signal === undefined ? code : -1
}

const fallbackSize: TerminalSize = { columns: 80, rows: 24 }

function sizeOf(size: unknown): TerminalSize {
  if (typeof size !== 'object' || size === null || !('height' in size) || !('width' in size)) return fallbackSize
  const [rows, columns] = [Number(size.height), Number(size.width)]
  return Number.isInteger(rows) && Number.isInteger(columns) && rows > 0 && columns > 0 ? { columns, rows } : fallbackSize
}
