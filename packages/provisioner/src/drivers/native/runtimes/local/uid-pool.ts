import { randomInt } from 'node:crypto'
import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError } from '../../../../driver.ts'

/** Uids from the first to the last, both included. */
export interface UidRange {
  readonly first: number
  readonly last: number
}

/**
 * Uids that Linux distributions leave unused: above those of containers (524288 to 1879048191) and of `/etc/subuid`, below 2^31.
 */
export const unusedUidRange: UidRange = { first: 1_879_048_192, last: 1_879_148_191 }

/**
 * What is left inside a container that has only the usual 65536 uids: between those of people and those of services that systemd makes up.
 */
const containerUidRange: UidRange = { first: 30_000, last: 59_999 }

/** The range to use, going by the text of `/proc/self/uid_map`: inside a user namespace the high uids may not exist. */
export function defaultUidRange(uidMap: string): UidRange {
  const covers = ({ first, last }: UidRange): boolean =>
    uidMap.split('\n').some((line) => {
      const [start = NaN, , count = NaN] = line.trim().split(/\s+/).map(Number)
      return start <= first && last < start + count
    })
  return covers(unusedUidRange) || !covers(containerUidRange) ? unusedUidRange : containerUidRange
}

/**
 * Hands out uids, one to a workspace. Each is a file named for the uid, made in one step, that holds the workspace's id; so two servers on
 * one folder don't hand out one twice.
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

  /** The uid of a workspace, if it has one. */
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
   * The uid of a workspace; a free one where it has none yet. Starts at a random one, so that what a deleted workspace left lying about
   * hardly ever gets a new owner.
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

  /** Gives a workspace's uid back. */
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
    return await readFile(join(this.#directory, name), 'utf8').catch(() => undefined) // given back meanwhile
  }
}
