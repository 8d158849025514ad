import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { WorkspaceFile, WorkspaceFilesResponse } from '@berth/schema'
import { listedFiles } from '@berth/schema/rules'
import { describeFile } from './describe-file.ts'

/** How many files are looked at at once. */
const batchSize = 64

/** Lists the entries of a folder whose names come after one, sorted by name. */
export async function listFolder(folder: string, { after, limit }: { after: string; limit: number }): Promise<WorkspaceFilesResponse> {
  const count = Math.min(Math.max(limit, 1), listedFiles.max)
  const names = await firstNames(folder, after, count + 1)
  const files: WorkspaceFile[] = []
  for (let at = 0; at < Math.min(names.length, count); at += batchSize) {
    const batch = names.slice(at, Math.min(at + batchSize, count))
    // One that was removed meanwhile is left out.
    const found = await Promise.all(batch.map(async (name) => await describeFile(join(folder, name)).catch(() => undefined)))
    files.push(...found.filter((file) => file !== undefined))
  }
  return { files, has_more: names.length > count }
}

/** Returns the first names after one. Never holds more than twice as many. */
async function firstNames(folder: string, after: string, count: number): Promise<string[]> {
  let names: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (name <= after) continue
    names.push(name)
    if (names.length >= 2 * count) names = names.toSorted(byCodeUnits).slice(0, count)
  }
  return names.toSorted(byCodeUnits).slice(0, count)
}

function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
