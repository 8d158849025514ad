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

/** Bytes that the agent sends or takes as fast as the connection carries them. */
export interface SpeedTestTarget {
  readonly kind: 'speed-test'
  /** `down` is from the workspace to the client. */
  readonly direction: 'down' | 'up'
  /** It ends after this long, in milliseconds, 1 to {@link maxSpeedTestMs}. */
  readonly durationMs: number
  /** It ends after this many bytes, 1 to {@link maxSpeedTestBytes}. */
  readonly bytes: number
}

/** What a stream of an agent's tunnel connects to in the workspace. */
export type AgentTarget =
  /** The agent's SSH server. */
  | { readonly kind: 'ssh' }
  /** A TCP port on the loopback interface, 1 to 65 535. */
  | { readonly kind: 'port'; readonly port: number }
  /** A UDP port on the loopback interface, 1 to 65 535, spoken to with `DatagramStream`. */
  | { readonly kind: 'udp'; readonly port: number }
  /** Whatever is sent comes back. */
  | { readonly kind: 'echo' }
  | SpeedTestTarget
  /** One JSON document with the ports that programs listen on. */
  | { readonly kind: 'listening-ports' }
  /** A request as a line of JSON, answered with one; bytes may follow either. */
  | { readonly kind: 'call' }
  | TerminalTarget

/** The targets that are one word. */
type PlainKind = 'ssh' | 'listening-ports' | 'echo' | 'call'
const plainKinds: ReadonlySet<string> = new Set<PlainKind>(['ssh', 'listening-ports', 'echo', 'call'])
const isPlainKind = (text: string): text is PlainKind => plainKinds.has(text)

const maxPort = 65_535
const maxTerminalSize = 65_535
/** Rows and columns of a terminal whose client names no usable size (Coder v2 API, v0.13.4). */
export const defaultTerminalSize = 80

/** How long one speed test may take, in milliseconds. */
export const maxSpeedTestMs = 2 * 60_000
/** How many bytes one speed test may move: 1 TiB. */
export const maxSpeedTestBytes = 2 ** 40

const portPrefix = 'ports/'
const udpPrefix = 'udp/'
const speedTestPrefix = 'speed-test?'
const terminalPrefix = 'pty?'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Returns the target as it is dialled, such as `ssh`, `ports/8080` or `pty?id=…`. */
export function formatAgentTarget(target: AgentTarget): string {
  switch (target.kind) {
    case 'port':
      return `${portPrefix}${target.port}`
    case 'udp':
      return `${udpPrefix}${target.port}`
    case 'speed-test':
      return `${speedTestPrefix}direction=${target.direction}&ms=${target.durationMs}&bytes=${target.bytes}`
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
  if (text.startsWith(speedTestPrefix)) return 'speed-test'
  if (isPortOf(portPrefix, text)) return 'port'
  return isPortOf(udpPrefix, text) ? 'udp' : undefined
}

/**
 * Reads a dialled text; nothing in it is trusted.
 *
 * @throws TunnelRefusal with 404 for an unknown target, and with 400 for a port, a terminal or a
 *   speed test with invalid values.
 */
export function parseAgentTarget(text: string): AgentTarget {
  if (isPlainKind(text)) return { kind: text }
  if (text.startsWith(portPrefix)) return { kind: 'port', port: parsePort(portPrefix, text) }
  if (text.startsWith(udpPrefix)) return { kind: 'udp', port: parsePort(udpPrefix, text) }
  if (text.startsWith(terminalPrefix)) return parseTerminal(new URLSearchParams(text.slice(terminalPrefix.length)))
  if (text.startsWith(speedTestPrefix)) return parseSpeedTest(new URLSearchParams(text.slice(speedTestPrefix.length)))
  throw new TunnelRefusal(404, `The agent does not know the target "${text.slice(0, 100)}". It may be older than the server.`)
}

function isPortOf(prefix: string, text: string): boolean {
  return text.startsWith(prefix) && /^\d{1,5}$/.test(text.slice(prefix.length))
}

function parsePort(prefix: string, text: string): number {
  const port = isPortOf(prefix, text) ? Number(text.slice(prefix.length)) : 0
  if (port >= 1 && port <= maxPort) return port
  throw new TunnelRefusal(400, `"${text.slice(prefix.length)}" is not a port. Give a number from 1 to ${maxPort}.`)
}

function parseSpeedTest(query: URLSearchParams): SpeedTestTarget {
  const direction = query.get('direction')
  if (direction !== 'down' && direction !== 'up') throw new TunnelRefusal(400, 'The direction of a speed test is "down" or "up".')
  const durationMs = parseCount(query.get('ms'), maxSpeedTestMs)
  if (durationMs === undefined) throw new TunnelRefusal(400, `A speed test takes 1 to ${maxSpeedTestMs} milliseconds.`)
  const bytes = parseCount(query.get('bytes'), maxSpeedTestBytes)
  if (bytes === undefined) throw new TunnelRefusal(400, `A speed test moves 1 to ${maxSpeedTestBytes} bytes.`)
  return { kind: 'speed-test', direction, durationMs, bytes }
}

/** Returns a whole number from 1 to `max`; undefined for anything else. */
function parseCount(text: string | null, max: number): number | undefined {
  const count = text !== null && /^\d{1,13}$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= max ? count : undefined
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
