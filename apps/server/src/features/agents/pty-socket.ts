import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

const DEFAULT_SIZE = 80
const MAX_SIZE = 0xffff

/** The target of a terminal in the agent. Sizes that are not numbers become 80 (Coder v2 API, v0.13.4). */
export function ptyTarget(query: { reconnect: string; height?: string; width?: string; command?: string }): string {
  const parameters = new URLSearchParams({
    id: query.reconnect,
    height: String(sizeOf(query.height)),
    width: String(sizeOf(query.width)),
    ...(query.command !== undefined && query.command !== '' && { command: query.command }),
  })
  return `pty?${parameters.toString()}`
}

function sizeOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) & MAX_SIZE : DEFAULT_SIZE
}

/**
 * Joins a client's socket and the terminal that `dial` opens: JSON messages in, one a line towards the agent; raw bytes out. Both ways wait for a slow
 * reader. A terminal that cannot be opened closes the socket with 1011 and the reason. Never rejects.
 */
export async function joinPty(socket: WebSocket, dial: () => Promise<Duplex>): Promise<void> {
  // What the client sends meanwhile waits in its own connection.
  socket.pause()
  try {
    const terminal = await dial()
    if (socket.readyState === socket.OPEN) join(socket, terminal)
    else terminal.destroy()
  } catch (error) {
    socket.close(1011, closeReason(error))
  }
  socket.resume()
}

function join(socket: WebSocket, terminal: Duplex): void {
  socket.on('message', (data, isBinary) => {
    if (!isBinary) return socket.close(1003, 'only binary messages are accepted')
    const line = lineOf(data as Buffer)
    if (line === undefined) return socket.close(1007, 'a message must be one JSON object')
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
  terminal.on('end', () => socket.close(1000))
  terminal.on('error', (error) => socket.close(1011, closeReason(error)))
  terminal.on('close', () => {
    socket.close(1000)
    // The terminal takes nothing any more: let the end of the client be seen.
    socket.resume()
  })
  socket.on('close', () => terminal.destroy())
}

/** A message without the line breaks that JSON allows between its tokens. */
function lineOf(message: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(message.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? `${JSON.stringify(value)}\n` : undefined
  } catch {
    return undefined
  }
}

/** A close frame has room for 123 bytes of reason. */
const MAX_REASON_BYTES = 117

function closeReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return Buffer.from(text).subarray(0, MAX_REASON_BYTES).toString('utf8')
}
