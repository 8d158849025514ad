import { TunnelRefusal } from '@berth/tunnel'
import type { TerminalSize } from '../terminal.ts'

export interface TerminalTarget {
  /** Chosen by the client; the same id joins the same terminal. */
  id: string
  size: TerminalSize
  /** Run instead of the login shell. */
  command: string | undefined
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Reads `pty?id=<uuid>&height=<rows>&width=<columns>&command=<text>`. A size that makes no sense is 80 each (Coder v2 API, v0.13.4). */
export function parseTerminalTarget(target: string): TerminalTarget {
  const query = new URLSearchParams(target.slice(target.indexOf('?') + 1))
  const id = query.get('id') ?? ''
  if (!uuid.test(id)) throw new TunnelRefusal(400, `The terminal's id "${id}" is not a UUID.`)
  const command = query.get('command') ?? ''
  if (command.includes('\0')) throw new TunnelRefusal(400, 'The command contains a zero byte.')
  return {
    id: id.toLowerCase(),
    size: { columns: sizeOf(query.get('width')), rows: sizeOf(query.get('height')) },
    command: command === '' ? undefined : command,
  }
}

function sizeOf(text: string | null): number {
  const number = text !== null && /^\d{1,5}$/.test(text) ? Number(text) : 0
  return number >= 1 && number <= 65_535 ? number : 80
}
