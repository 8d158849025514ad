import type { ListeningPortsResponse } from '@berth/schema'
import { readdir, readFile, readlink } from 'node:fs/promises'

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
 */
export function createPortScanner(now: () => number): () => Promise<ListeningPort[]> {
  let last: { at: number; ports: Promise<ListeningPort[]> } | undefined
  return () => {
    if (!last || now() - last.at >= cacheMs) last = { at: now(), ports: scan() }
    return last.ports
  }
}

async function scan(): Promise<ListeningPort[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => '')))
  const inodes = new Map<string, number>()
  for (const { port, inode } of tables.flatMap(parseSocketTable)) inodes.set(inode, port)
  const names = inodes.size === 0 ? new Map<number, string>() : await processNames(inodes)
  return [...new Set(inodes.values())].sort((a, b) => a - b).map((port) => ({ process_name: names.get(port) ?? '', network: 'tcp', port }))
}

/** Finds the program behind each socket, as far as the agent has permission to look. */
async function processNames(inodes: ReadonlyMap<string, number>): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const links = await Promise.all(descriptors.map((descriptor) => readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')))
    for (const link of links) {
      const port = inodes.get(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? '')
      if (port === undefined || names.has(port)) continue
      names.set(port, (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim())
    }
  }
  return names
}
