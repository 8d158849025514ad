import { TunnelRefusal } from './failures.ts'

/** A terminal that outlives its clients. */
export interface TerminalTarget {
  readonly kind: 'terminal'
  /** A UUID in lower case, chosen by the client. The same ID attaches to the same terminal. */
  readonly id: string
  /** Rows, 1 to 65 535. */
  readonly height: number
  /** Columns, 1 to 65 535. */
  readonly width: number
  /** Run instead of the login shell; never empty. */
  readonly command?: string
}

/** What a stream of an agent's tunnel connects to in the workspace. */
export type AgentTarget =
  /** The agent's SSH server. */
  | { readonly kind: 'ssh' }
  /** A TCP port on the loopback interface, 1 to 65 535. */
  | { readonly kind: 'port'; readonly port: number }
  /** One JSON document with the ports that programs listen on. */
  | { readonly kind: 'listening-ports' }
  /** A request as a line of JSON, answered with one; bytes may follow either. */
  | { readonly kind: 'call' }
  | TerminalTarget

/** The targets that are one word. */
type PlainKind = 'ssh' | 'listening-ports' | 'call'
const plainKinds: ReadonlySet<string> = new Set<PlainKind>(['ssh', 'listening-ports', 'call'])
const isPlainKind = (text: string): text is PlainKind => plainKinds.has(text)

const maxPort = 65_535
const maxTerminalSize = 65_535
/** Rows and columns of a terminal whose client names no usable size (Coder v2 API, v0.13.4). */
export const defaultTerminalSize = 80

const portPrefix = 'ports/'
const terminalPrefix = 'pty?'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Returns the target as it is dialled: `ssh`, `ports/8080`, `listening-ports`, `call` or
 * `pty?id=…`.
 */
export function formatAgentTarget(target: AgentTarget): string {
  switch (target.kind) {
    case 'port':
      return `${portPrefix}${target.port}`
    case 'terminal':
      return `${terminalPrefix}${queryOf(target).toString()}`
    default:
      return target.kind
  }
}

function queryOf({ id, height, width, command }: TerminalTarget): URLSearchParams {
  return new URLSearchParams({ id, height: String(height), width: String(width), ...(command !== undefined && { command }) })
}

/**
 * Returns the kind that a dialled text has the form of, whatever its values; undefined for anything
 * else.
 */
export function agentTargetKind(text: string): AgentTarget['kind'] | undefined {
  if (isPlainKind(text)) return text
  if (text.startsWith(terminalPrefix)) return 'terminal'
  return text.startsWith(portPrefix) && /^\d{1,5}$/.test(text.slice(portPrefix.length)) ? 'port' : undefined
}

/**
 * Reads a dialled text; nothing in it is trusted.
 *
 * @throws TunnelRefusal with 404 for an unknown target, and with 400 for a port or a terminal with
 *   invalid values.
 */
export function parseAgentTarget(text: string): AgentTarget {
  if (isPlainKind(text)) return { kind: text }
  if (text.startsWith(portPrefix)) return { kind: 'port', port: parsePort(text) }
  if (text.startsWith(terminalPrefix)) return parseTerminal(new URLSearchParams(text.slice(terminalPrefix.length)))
  throw new TunnelRefusal(404, `The agent does not know the target "${text.slice(0, 100)}". It may be older than the server.`)
}

function parsePort(text: string): number {
  const port = agentTargetKind(text) === 'port' ? Number(text.slice(portPrefix.length)) : 0
  if (port >= 1 && port <= maxPort) return port
  throw new TunnelRefusal(400, `"${text.slice(portPrefix.length)}" is not a port. Give a number from 1 to ${maxPort}.`)
}

function parseTerminal(query: URLSearchParams): TerminalTarget {
  const id = query.get('id') ?? ''
  if (!uuid.test(id)) throw new TunnelRefusal(400, `The terminal's ID "${id}" is not a UUID.`)
  const command = query.get('command') ?? ''
  if (command.includes('\0')) throw new TunnelRefusal(400, 'The command contains a zero byte. Remove it.')
  return {
    kind: 'terminal',
    id: id.toLowerCase(),
    height: parseSize(query.get('height')),
    width: parseSize(query.get('width')),
    ...(command !== '' && { command }),
  }
}

function parseSize(text: string | null): number {
  const size = text !== null && /^\d{1,5}$/.test(text) ? Number(text) : 0
  return size >= 1 && size <= maxTerminalSize ? size : defaultTerminalSize
}
