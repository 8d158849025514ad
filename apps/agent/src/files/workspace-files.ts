import { mkdir, rename, rm, rmdir, stat, unlink, lstat } from 'node:fs/promises'
import type { Duplex, Readable } from 'node:stream'
import type { AgentCalls, WorkspaceFile, WorkspaceFilesResponse } from '@berth/schema'
import { maxFileRequests, maxFileWatches } from '@berth/schema/rules'
import { CallFailure } from '../calls/call-failure.ts'
import type { Workspace } from '../workspace.ts'
import { describeFile } from './describe-file.ts'
import { fileFailure } from './file-failure.ts'
import { listFolder } from './list-folder.ts'
import { openForReading, type OpenFile } from './read-file.ts'
import { watchFiles } from './watch-files.ts'
import { writeWholeFile } from './write-file.ts'

type RequestOf<Name extends keyof AgentCalls> = AgentCalls[Name]['request']

/**
 * The files of the workspace, as far as its user may use them. Everything rejects with {@link
 * CallFailure}.
 */
export class WorkspaceFiles {
  readonly #workspace: Workspace
  #requests = 0
  #watches = 0

  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  async list({ path, after, limit }: RequestOf<'files.list'>): Promise<WorkspaceFilesResponse> {
    return await this.#at(path, async (folder) => await listFolder(folder, { after, limit }))
  }

  async stat({ path }: RequestOf<'files.stat'>): Promise<WorkspaceFile> {
    return await this.#at(path, describeFile)
  }

  async read({ path, offset, length }: RequestOf<'files.read'>): Promise<OpenFile> {
    return await this.#at(path, async (file) => await openForReading(file, { offset, length }))
  }

  async write({ path, parents, mode }: RequestOf<'files.write'>, bytes: Readable): Promise<WorkspaceFile> {
    return await this.#at(path, async (file) => {
      await writeWholeFile(file, bytes, { parents, mode })
      return await describeFile(file)
    })
  }

  async makeDirectory({ path, parents }: RequestOf<'files.mkdir'>): Promise<WorkspaceFile> {
    return await this.#at(path, async (folder) => {
      await mkdir(folder, { recursive: parents })
      return await describeFile(folder)
    })
  }

  async rename({ from, to }: RequestOf<'files.rename'>): Promise<WorkspaceFile> {
    return await this.#at(from, async (source) => {
      const target = this.#workspace.path(to)
      await rename(source, target)
      return await describeFile(target)
    })
  }

  async remove({ path, recursive }: RequestOf<'files.remove'>): Promise<void> {
    await this.#at(path, async (target) => {
      if (target === '/') throw new CallFailure('invalid_path', 'The root of the file system cannot be removed.')
      if (recursive) await rm(target, { recursive: true })
      else if ((await lstat(target)).isDirectory()) await rmdir(target)
      else await unlink(target)
    })
  }

  /** Sends changes to a client until it leaves. */
  async watch({ path }: RequestOf<'files.watch'>, begin: () => Duplex): Promise<void> {
    if (this.#watches >= maxFileWatches) throw new CallFailure('workspace_busy', `${maxFileWatches} watches are open in this workspace.`)
    await this.#at(path, async (target) => {
      const isFolder = (await stat(target)).isDirectory()
      const client = begin()
      this.#watches += 1
      client.once('close', () => (this.#watches -= 1))
      watchFiles(target, { isFolder, client })
    })
  }

  /** Does something at a path, unless too much is being done. */
  async #at<Value>(text: string, work: (path: string) => Promise<Value>): Promise<Value> {
    if (this.#requests >= maxFileRequests)
      throw new CallFailure('workspace_busy', 'Too many requests for files of this workspace are under way.')
    if (text === '') throw new CallFailure('invalid_path', 'The path is empty.')
    this.#requests += 1
    const path = this.#workspace.path(text)
    try {
      return await work(path)
    } catch (error) {
      throw fileFailure(error, path)
    } finally {
      this.#requests -= 1
    }
  }
}
