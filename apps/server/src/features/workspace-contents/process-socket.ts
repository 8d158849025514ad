import type { Duplex } from 'node:stream'
import { Failure, type WorkspaceProcess } from '@berth/schema'
import { maxProcessMessageBytes, processChannels } from '@berth/schema/rules'
import { FrameReader, closeReasonOf, closeReasons, closeSocket, encodeFrame, type Frame } from '@berth/tunnel'
import type { Logger } from 'pino'
import type { RawData, WebSocket } from 'ws'
import { failureBody } from '../../http/send-failure.ts'

/** A process, and the stream of its frames. */
interface OpenProcess {
  readonly answer: WorkspaceProcess
  readonly stream: Duplex
}

/**
 * Serves a socket whose first message says what to start. Call it in the tick in which the socket
 * opened.
 */
export function serveStart(socket: WebSocket, start: (request: string) => Promise<OpenProcess>, logger: Logger): void {
  socket.once('message', (data, isBinary) => {
    if (isBinary) closeSocket(socket, closeReasons.invalidProcessMessage)
    else void serve(socket, { open: async () => await start(textOf(data)), greeting: 'started', logger })
  })
}

/** Serves a socket of a process that runs already. */
export function serveAttach(socket: WebSocket, attach: () => Promise<OpenProcess>, logger: Logger): void {
  void serve(socket, { open: attach, greeting: 'attached', logger })
}

interface Opening {
  readonly open: () => Promise<OpenProcess>
  readonly greeting: 'started' | 'attached'
  readonly logger: Logger
}

/** Opens a process and joins it with a socket. Never rejects. */
async function serve(socket: WebSocket, { open, greeting, logger }: Opening): Promise<void> {
  const early: [RawData, boolean][] = []
  let forward = (data: RawData, isBinary: boolean): void => void early.push([data, isBinary])
  socket.on('message', (data, isBinary) => forward(data, isBinary))
  // What the client sends meanwhile waits in its connection, except for what has been read.
  socket.pause()
  try {
    const { answer, stream } = await open()
    forward = join(socket, stream, { [greeting]: answer })
    for (const [data, isBinary] of early.splice(0)) forward(data, isBinary)
  } catch (error) {
    const hasLeft = socket.readyState !== socket.OPEN
    if (!hasLeft && !Failure.is(error)) logger.error({ err: error }, 'a process could not be opened')
    refuse(socket, error)
  }
  socket.resume()
}

/** Says why there is no process. A close frame has no room for it. */
function refuse(socket: WebSocket, error: unknown): void {
  const failure = Failure.is(error) ? error : new Failure('internal')
  socket.send(JSON.stringify({ failed: { status: failure.status, ...failureBody(failure) } }))
  closeSocket(socket, closeReasonOf(failure))
}

/**
 * Passes on what a process writes, and returns what passes on the client's messages. Each side
 * waits for the other when that one is slow.
 */
function join(socket: WebSocket, stream: Duplex, greeting: unknown): (data: RawData, isBinary: boolean) => void {
  if (socket.readyState !== socket.OPEN) stream.destroy()
  socket.send(JSON.stringify(greeting))
  const output = new FrameReader(maxProcessMessageBytes)
  stream.on('data', (chunk: Buffer) => {
    try {
      sendAll(socket, output.read(chunk), stream)
    } catch (error) {
      stream.destroy(error as Error)
    }
  })
  stream.on('end', () => closeSocket(socket, closeReasons.finished))
  stream.on('error', (error) => closeSocket(socket, closeReasonOf(error)))
  stream.on('close', () => {
    closeSocket(socket, closeReasons.finished)
    // The process reads nothing more, and only a socket that is read sees the client's close.
    socket.resume()
  })
  socket.on('close', () => stream.destroy())
  return (data, isBinary) => {
    const frame = isBinary ? inputOf(bytesOf(data)) : controlOf(textOf(data))
    if (frame === undefined) return closeSocket(socket, closeReasons.invalidProcessMessage)
    if (!stream.destroyed && !stream.write(frame)) {
      socket.pause()
      stream.once('drain', () => socket.resume())
    }
    return undefined
  }
}

function sendAll(socket: WebSocket, frames: readonly Frame[], stream: Duplex): void {
  const last = frames.length - 1
  for (const [index, { channel, bytes }] of frames.entries()) {
    const message = channel === processChannels.control ? bytes.toString('utf8') : Buffer.concat([Uint8Array.of(channel), bytes])
    if (index < last) socket.send(message)
    else socket.send(message, () => stream.resume())
  }
  if (frames.length > 0) stream.pause()
}

function inputOf(message: Buffer): Buffer | undefined {
  return message[0] === processChannels.stdin ? encodeFrame(processChannels.stdin, message.subarray(1)) : undefined
}

function controlOf(message: string): Buffer | undefined {
  try {
    const value: unknown = JSON.parse(message)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return encodeFrame(processChannels.control, Buffer.from(message))
  } catch {
    return undefined
  }
}

/** The server's sockets receive each message as one buffer. */
function bytesOf(data: RawData): Buffer {
  return data as Buffer
}

function textOf(data: RawData): string {
  return bytesOf(data).toString('utf8')
}
