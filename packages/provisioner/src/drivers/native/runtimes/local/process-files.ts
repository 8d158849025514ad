import { close, open, read } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const openFile = promisify(open)
const readInto = promisify(read)
const closeFile = promisify(close)

/** Larger than any `stat`, and than the lines of `status` that are used. */
const maxFileBytes = 8 * 1024

/**
 * How many processes are looked at at the same time. Node has four threads for files by default,
 * and everything else in the server shares them.
 */
const processesAtOnce = 4

/**
 * Returns the beginning of a short file in a process's folder; undefined if the process has ended
 * or this process may not read it.
 */
export async function readProcessFile(pid: number, name: 'stat' | 'status'): Promise<string | undefined> {
  const descriptor = await openFile(`/proc/${pid}/${name}`, 'r').catch(() => undefined)
  if (descriptor === undefined) return undefined
  try {
    const { bytesRead, buffer } = await readInto(descriptor, Buffer.allocUnsafe(maxFileBytes), 0, maxFileBytes, null)
    return buffer.toString('utf8', 0, bytesRead)
  } catch {
    return undefined // ended in the meantime
  } finally {
    await closeFile(descriptor)
  }
}

/** Returns a process's initial environment as `NAME=value`; empty if it can't be read. */
export async function readEnvironment(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  return text.split('\0')
}

/** Calls an asynchronous function for each item, for a few items at a time. */
export async function forEachProcess<Item>(items: readonly Item[], visit: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values()
  const visitRest = async (): Promise<void> => {
    for (const item of rest) await visit(item)
  }
  await Promise.all(Array.from({ length: processesAtOnce }, visitRest))
}
