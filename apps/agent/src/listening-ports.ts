import type { ListeningPortsResponse } from '@berth/schema'
import { readFile } from 'node:fs/promises'
import { findHolders, type Holders } from './socket-holders.ts'

/** A port that a program in the workspace listens on. */
export type ListeningPort = ListeningPortsResponse['ports'][number]

/** The state of a listening socket in /proc/net/tcp. */
const listenState = '0A'
/**
 * Local addresses that loopback connections reach, as /proc/net/tcp and tcp6 write them: any,
 * 127.0.0.0/8, ::1 and mapped ones.
 */
const reachable = /^(?:0{8}|[0-9A-F]{6}7F|0{32}|0{24}01000000|0{16}FFFF0000(?:0{8}|[0-9A-F]{6}7F))$/

/**
 * Returns the listening sockets of a /proc/net/tcp or tcp6 table that loopback connections reach:
 * each with its port, and the inode that identifies its process.
 */
export function parseSocketTable(table: string): { port: number; inode: string }[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    if (state !== listenState || !reachable.test(address)) return []
    return [{ port: Number.parseInt(port, 16), inode }]
  })
}

/** How long the result of one scan is used (Coder v2 API, v0.13.4). */
const cacheMs = 1_000

/**
 * Returns a function that lists the listening ports, each once, by number. The list is empty on
 * systems without /proc.
 *
 * @param holders Whose ports are listed.
 */
export function createPortScanner(now: () => number, holders: Holders): () => Promise<ListeningPort[]> {
  let last: { at: number; ports: Promise<ListeningPort[]> } | undefined
  return () => {
    if (!last || now() - last.at >= cacheMs) last = { at: now(), ports: scan(holders) }
    return last.ports
  }
}

async function scan(holders: Holders): Promise<ListeningPort[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => '')))
  const ports = new Map(tables.flatMap(parseSocketTable).map(({ inode, port }) => [inode, port]))
  const names = new Map<number, string>()
  for (const { inode, processName } of await findHolders(new Set(ports.keys()), holders)) {
    const port = ports.get(inode)
    if (port !== undefined && !names.has(port)) names.set(port, processName)
  }
  const listed = holders === 'any' ? [...new Set(ports.values())] : [...names.keys()]
  return listed.sort((a, b) => a - b).map((port) => ({ process_name: names.get(port) ?? '', network: 'tcp', port }))
}
