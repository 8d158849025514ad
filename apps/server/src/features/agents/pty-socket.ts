import type { Duplex } from 'node:stream'
import { closeReasonOf, closeReasons, closeSocket, defaultTerminalSize, type TerminalTarget } from '@berth/tunnel'
import type { WebSocket } from 'ws'

/** Sizes are 16 bits wide on the wire, and larger ones wrap (Coder v2 API, v0.13.4). */
const SIZE_MASK = 0xffff

/**
 * Returns the terminal that a client asks for. A size that isn't a number counts as 80 (Coder v2
 * API, v0.13.4).
 */
export function terminalOf(query: { reconnect: string; height?: string; width?: string; command?: string }): TerminalTarget {
  return {
    kind: 'terminal',
    id: query.reconnect,
    height: sizeOf(query.height),
    width: sizeOf(query.width),
    ...(query.command !== undefined && query.command !== '' && { command: query.command }),
  }
}

function sizeOf(text: string | undefined): number {
  const size = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) & SIZE_MASK : 0
  return size === 0 ? defaultTerminalSize : size
}

/**
 * Joins a client's socket with the terminal that `dial` opens. The client sends JSON objects, which
 * reach the agent one per line; the terminal's raw output comes back. Each side waits for the other
 * when that one is slow. If the terminal can't be opened, the socket closes with 1011 and the
 * reason. Never rejects.
 */
export async function joinPty(socket: WebSocket, dial: () => Promise<Duplex>): Promise<void> {
  // Messages that arrive meanwhile wait in the client's connection.
  socket.pause()
  try {
    const terminal = await dial()
    if (socket.readyState === socket.OPEN) join(socket, terminal)
    else terminal.destroy()
  } catch (error) {
    closeSocket(socket, closeReasonOf(error))
  }
  socket.resume()
}

function join(socket: WebSocket, terminal: Duplex): void {
  socket.on('message', (data, isBinary) => {
    if (!isBinary) return closeSocket(socket, closeReasons.notBinary)
    const line = lineOf(data as Buffer)
    if (line === undefined) return closeSocket(socket, closeReasons.invalidTerminalInput)
    if (!terminal.write(line)) {
      socket.pause()
      terminal.once('drain', () => socket.resume())
    }
    return undefined
  })
  terminal.on('data', (chunk: Buffer) => {
    terminal.pause()
    socket.send(chunk, () => terminal.resume())
  })
  terminal.on('end', () => closeSocket(socket, closeReasons.finished))
  terminal.on('error', (error) => closeSocket(socket, closeReasonOf(error)))
  terminal.on('close', () => {
    closeSocket(socket, closeReasons.finished)
    // The terminal reads nothing more, and only a socket that is read sees the client's close.
    socket.resume()
  })
  socket.on('close', () => terminal.destroy())
}

/** Returns a message as one line, without the line breaks that JSON allows between tokens. */
function lineOf(message: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(message.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? `${JSON.stringify(value)}\n` : undefined
  } catch {
    return undefined
  }
}
