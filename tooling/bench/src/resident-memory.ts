import { readFile, readdir } from 'node:fs/promises'

/** Returns the proportional memory (PSS) of a process and its descendants, in MiB. Linux only. */
export async function residentMiB(pid: number): Promise<number> {
  const pids = await withDescendants(pid)
  const sizes = await Promise.all(pids.map(async (id) => await proportionalKiB(id)))
  return sizes.reduce((sum, size) => sum + size, 0) / 1024
}

async function proportionalKiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
}

async function withDescendants(root: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && pid > 1 && isBelow(parents.get(pid) ?? 0))
  return [...parents.keys()].filter(isBelow)
}

/** Returns the resident memory of one process, in KiB. Linux only. */
export async function residentKiBOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)
}
