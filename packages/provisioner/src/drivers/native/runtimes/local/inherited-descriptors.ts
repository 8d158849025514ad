import { open } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

/** O_CLOEXEC in the flags of `/proc/self/fdinfo`. */
const closeOnExec = 0o2_000_000

/** An entry of the option `stdio` of `spawn`. */
type Stdio = 'ignore' | 'pipe' | number

let cover: Promise<readonly Stdio[]> | undefined

/**
 * Returns the option `stdio` of `spawn` with `/dev/null` in place of the descriptors that this
 * process was itself started with: Node.js passes on those above the first sixteen. The cover is in
 * place before the child has its uid, so that no process of a workspace ever sees what is below.
 */
export async function coverInherited(stdio: readonly [Stdio, Stdio, Stdio]): Promise<Stdio[]> {
  cover ??= createCover()
  return [...stdio, ...(await cover)]
}

/** Looks once: Node.js itself opens everything with O_CLOEXEC. */
async function createCover(): Promise<Stdio[]> {
  const names = await readdir('/proc/self/fd')
  const inherited = await Promise.all(names.map(async (name) => ((await isPassedOn(name)) ? [Number(name)] : [])))
  const descriptors = inherited.flat().filter((descriptor) => descriptor > 2)
  if (descriptors.length === 0) return []
  const nullDevice = await promisify(open)('/dev/null', 'r+') // stays open
  return Array.from({ length: Math.max(...descriptors) - 2 }, (_, index) => (descriptors.includes(index + 3) ? nullDevice : 'ignore'))
}

async function isPassedOn(name: string): Promise<boolean> {
  const info = await readFile(`/proc/self/fdinfo/${name}`, 'utf8').catch(() => '')
  const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1]
  return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0
}
