import { watch, type FSWatcher } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { FileChange, FileChangesEvent } from '@berth/schema'
import { maxWatchedChanges } from '@berth/schema/rules'
import { writeJsonLine } from '@berth/tunnel'

/** How long changes are gathered before they are sent together. */
const gatherMs = 50

/**
 * Sends the changes of a file, or of what is in a folder, as lines of JSON until the client leaves
 * or the path is gone. Changes that come while the client is behind are put together.
 */
export function watchFiles(path: string, { isFolder, client }: { isFolder: boolean; client: Duplex }): void {
  const gathered = new GatheredChanges()
  let timer: NodeJS.Timeout | undefined
  let isSending = false
  const send = async (): Promise<void> => {
    timer = undefined
    isSending = true
    const event = await gathered.take()
    if (!client.destroyed && event !== undefined && !writeJsonLine(client, event)) await drained(client)
    isSending = false
    if (await isGone(path)) client.end()
    else if (!gathered.isEmpty) later()
  }
  const later = (): void => {
    if (isSending || client.destroyed) return
    timer ??= setTimeout(() => void send(), gatherMs)
  }
  const watcher: FSWatcher = watch(path, (_event, name) => {
    gathered.add(isFolder && name !== null ? join(path, name) : path)
    later()
  })
  watcher.on('error', () => client.end())
  client.once('end', () => client.end())
  client.resume()
  const stop = (): void => {
    clearTimeout(timer)
    watcher.close()
  }
  if (client.destroyed) stop()
  else client.once('close', stop)
}

/** Changed paths that have not been sent yet. */
class GatheredChanges {
  #paths = new Set<string>()
  #missed = false

  get isEmpty(): boolean {
    return this.#paths.size === 0 && !this.#missed
  }

  add(path: string): void {
    if (this.#paths.size < maxWatchedChanges || this.#paths.has(path)) this.#paths.add(path)
    else this.#missed = true
  }

  /** Returns an event with all of them; undefined if there are none. */
  async take(): Promise<FileChangesEvent | undefined> {
    if (this.isEmpty) return undefined
    const [paths, missed] = [this.#paths, this.#missed]
    this.#paths = new Set()
    this.#missed = false
    const changes = await Promise.all(
      [...paths].map(async (path): Promise<FileChange> => ({ path, kind: (await isGone(path)) ? 'removed' : 'changed' })),
    )
    return { changes, missed }
  }
}

async function isGone(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => false,
    () => true,
  )
}

async function drained(client: Duplex): Promise<void> {
  await new Promise<void>((resolve) => {
    client.once('drain', resolve)
    client.once('close', resolve)
  })
}
