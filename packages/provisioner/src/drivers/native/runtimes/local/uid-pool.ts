import { randomInt } from 'node:crypto'
import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../../../../driver.ts'

/** A range of uids, inclusive. */
export interface UidRange {
  readonly first: number
  readonly last: number
}

/**
 * Uids that Linux distributions leave unused: above those of containers (524288 to 1879048191) and
 * `/etc/subuid`, below 2^31.
 */
export const unusedUidRange: UidRange = { first: 1_879_048_192, last: 1_879_148_191 }

/**
 * Free uids inside a container with the usual 65536: above those of people, below those that
 * systemd assigns to services.
 */
const containerUidRange: UidRange = { first: 30_000, last: 59_999 }

/**
 * Returns the range to use, given the text of `/proc/self/uid_map`: in a user namespace the high
 * uids may not exist.
 */
export function defaultUidRange(uidMap: string): UidRange {
  const covers = ({ first, last }: UidRange): boolean =>
    uidMap.split('\n').some((line) => {
      const [start = NaN, , count = NaN] = line.trim().split(/\s+/).map(Number)
      return start <= first && last < start + count
    })
  return covers(unusedUidRange) || !covers(containerUidRange) ? unusedUidRange : containerUidRange
}

/**
 * Assigns a uid to each workspace. A uid is claimed by creating a file with its name and the
 * workspace's ID as content, so two servers with the same folder never assign one twice.
 */
export class UidPool {
  readonly #directory: string
  readonly #range: UidRange
  readonly #pick: (count: number) => number

  constructor(options: { readonly directory: string; readonly range: UidRange; readonly pick?: (count: number) => number }) {
    this.#directory = options.directory
    this.#range = options.range
    this.#pick = options.pick ?? randomInt
  }

  /** Returns the uid of a workspace, if it has one. */
  async find(workspaceId: string): Promise<number | undefined> {
    const names = await readdir(this.#directory).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    })
    const owners = await Promise.all(names.map(async (name) => await this.#ownerOf(name)))
    const name = names[owners.indexOf(workspaceId)]
    return name === undefined || !/^[0-9]+$/.test(name) ? undefined : Number(name)
  }

  /**
   * Returns the uid of a workspace, or assigns a free one. The search starts at a random uid, so
   * that files a deleted workspace left behind hardly ever get a new owner.
   */
  async claim(workspaceId: string): Promise<number> {
    const found = await this.find(workspaceId)
    if (found !== undefined) return found
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const { first, last } = this.#range
    const count = last - first + 1
    const start = this.#pick(count)
    for (let step = 0; step < count; step += 1) {
      const uid = first + ((start + step) % count)
      if (await this.#take(uid, workspaceId)) return uid
    }
    throw new ProvisionError(`all ${count} uids for workspaces (${first} to ${last}) are taken; delete workspaces or widen the range`)
  }

  /** Frees the uid of a workspace. */
  async release(workspaceId: string): Promise<void> {
    const uid = await this.find(workspaceId)
    if (uid !== undefined) await rm(join(this.#directory, String(uid)), { force: true })
  }

  async #take(uid: number, workspaceId: string): Promise<boolean> {
    try {
      const file = await open(join(this.#directory, String(uid)), 'wx', 0o600)
      await file.writeFile(workspaceId).finally(async () => await file.close())
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
      throw error
    }
  }

  async #ownerOf(name: string): Promise<string | undefined> {
    return await readFile(join(this.#directory, name), 'utf8').catch(() => undefined) // freed in the meantime
  }
}
