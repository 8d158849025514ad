import type { FileChangesEvent, WorkspaceFile } from '@berth/schema/shapes'
import { maxListedFiles, routes } from '@berth/schema/routes'
import type { CallOptions, DerivedClient } from './client.ts'
import { openEventSource } from './event-source.ts'
import { Backoff, isFinal, type StreamOptions } from './reconnect.ts'
import { expandPath, queryString } from './request-url.ts'

/** How to write a file. */
export interface WriteOptions extends CallOptions {
  /** Permissions in octal digits, such as `755`. Default for a new file: `644`. */
  readonly mode?: string | undefined
  /** Whether to make the folders above. */
  readonly parents?: boolean | undefined
}

/** What can be written: text, bytes, or a stream of bytes, which few browsers can send. */
export type FileContent = string | Uint8Array | ReadableStream<Uint8Array>

/**
 * The files of a workspace. Paths are relative to the agent's folder; `~/` is the home. Calls
 * reject with the ApiError of the server: 404 for a missing path, 403, 409 and so on.
 */
export class WorkspaceFileSystem {
  readonly #client: DerivedClient
  readonly #agent: () => Promise<string>

  /** @param agent returns the ID of the workspace's agent once it is connected. */
  constructor(client: DerivedClient, agent: () => Promise<string>) {
    this.#client = client
    this.#agent = agent
  }

  /** Reads a file, or a part of it. */
  async read(
    path: string,
    { offset, length, signal }: CallOptions & { readonly offset?: number; readonly length?: number } = {},
  ): Promise<Uint8Array> {
    return await this.#client.workspaceFiles.read({ params: await this.#params(), query: { path, offset, length } }, { signal })
  }

  /** Reads a file as UTF-8 text. */
  async readText(path: string, options?: CallOptions): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options))
  }

  /** Reads a file as a stream, at the reader's pace. */
  async readStream(path: string, { signal }: CallOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const { path: template } = routes.workspaceFiles.read
    const response = await this.#client.fetch(expandPath(template, await this.#params()), { query: { path }, signal })
    if (response.body === null) throw new Error('The server answered without a body.')
    return response.body
  }

  /** Writes a file, and replaces it only when all of it has arrived. */
  async write(path: string, content: FileContent, { mode, parents, signal }: WriteOptions = {}): Promise<WorkspaceFile> {
    const params = await this.#params()
    const query = { path, mode, parents }
    if (!isStream(content)) {
      const body = typeof content === 'string' ? new TextEncoder().encode(content) : content
      return await this.#client.workspaceFiles.write({ params, query, body }, { signal })
    }
    const { method, path: template, bodyType } = routes.workspaceFiles.write
    const headers = { 'Content-Type': bodyType }
    const response = await this.#client.fetch(expandPath(template, params), { method, query, headers, body: content, signal })
    // The contract fixes the shape. The client trusts answers, here as everywhere.
    return (await response.json()) as WorkspaceFile
  }

  /** Lists a folder, sorted by name. */
  async list(path = '.', options?: CallOptions): Promise<WorkspaceFile[]> {
    const files: WorkspaceFile[] = []
    for (let after: string | undefined; ; after = files.at(-1)?.name) {
      const query = { path, after, limit: maxListedFiles }
      const page = await this.#client.workspaceFiles.list({ params: await this.#params(), query }, options)
      files.push(...page.files)
      if (!page.has_more || page.files.length === 0) return files
    }
  }

  /** Describes a file, a folder, or a symbolic link itself. */
  async stat(path: string, options?: CallOptions): Promise<WorkspaceFile> {
    return await this.#client.workspaceFiles.stat({ params: await this.#params(), query: { path } }, options)
  }

  /** Makes a folder; with `parents` also those above, and it may exist. */
  async mkdir(path: string, { parents, signal }: CallOptions & { readonly parents?: boolean } = {}): Promise<WorkspaceFile> {
    return await this.#client.workspaceFiles.makeDirectory({ params: await this.#params(), body: { path, parents } }, { signal })
  }

  /** Renames or moves a file or folder. A file at the new path is replaced. */
  async rename(from: string, to: string, options?: CallOptions): Promise<WorkspaceFile> {
    return await this.#client.workspaceFiles.rename({ params: await this.#params(), body: { from, to } }, options)
  }

  /** Removes a file or an empty folder; with `recursive` also what is in the folder. */
  async remove(path: string, { recursive, signal }: CallOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#client.workspaceFiles.remove({ params: await this.#params(), query: { path, recursive } }, { signal })
  }

  /**
   * Yields what changes in a folder. Reopens a broken stream, after which `missed` is true. Ends
   * only when the loop is left, and throws the ApiError 404 once the folder is gone.
   */
  async *watch(path = '.', options: StreamOptions = {}): AsyncGenerator<FileChangesEvent, void, void> {
    const { signal } = options
    const url = expandPath(routes.workspaceFiles.watch.path, await this.#params()) + queryString({ path })
    const backoff = new Backoff(options)
    for (let isAgain = false; ; isAgain = true) {
      try {
        let pieces = 0
        for await (const events of openEventSource(this.#client, url, { signal })) {
          pieces += 1
          if (pieces === 1 && isAgain) yield { changes: [], missed: true }
          if (pieces > 1) backoff.succeed()
          // The contract fixes the shape. The client trusts answers, here as everywhere.
          for (const { data } of events) yield JSON.parse(data) as FileChangesEvent
        }
      } catch (error) {
        signal?.throwIfAborted()
        if (isFinal(error)) throw error
      }
      await backoff.wait()
    }
  }

  async #params(): Promise<{ workspaceagent: string }> {
    return { workspaceagent: await this.#agent() }
  }
}

function isStream(content: FileContent): content is ReadableStream<Uint8Array> {
  // Not instanceof: each realm (frame, test runner) has its own class.
  return typeof content === 'object' && 'getReader' in content
}
