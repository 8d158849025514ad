import type { Workspace } from '@berth/schema/shapes'
import { routes } from '@berth/schema/routes'
import type { DerivedClient } from './client.ts'
import { openEventSource, type ServerSentEvent } from './event-source.ts'
import { Backoff, isFinal, type StreamOptions } from './reconnect.ts'
import { expandPath } from './request-url.ts'

/** Options for watching a workspace. */
export interface WatchOptions extends StreamOptions {
  /**
   * Whether to yield the current workspace first. It is read once the stream is open, so that no
   * change is missed.
   */
  readonly initial?: boolean | undefined
}

/**
 * Yields the whole workspace after each change. Never ends by itself, not even when the workspace
 * is deleted: look at `latest_build.status`.
 *
 * Reopens a broken stream after a growing delay, and then yields the workspace, because it may have
 * missed changes. So the same state may be yielded twice; the last one is always the newest.
 *
 * @example
 * for await (const workspace of watchWorkspace(client, id, { initial: true })) {
 *   if (workspace.latest_build.status === 'running') break
 * }
 *
 * @param workspace the ID.
 * @throws ApiError if the server refuses for good (4xx except 408 and 429), the signal's reason if
 *   it is aborted.
 */
export async function* watchWorkspace(
  client: DerivedClient,
  workspace: string,
  options: WatchOptions = {},
): AsyncGenerator<Workspace, void, void> {
  const path = expandPath(routes.workspaces.watch.path, { workspace })
  const { signal } = options
  const backoff = new Backoff(options)
  const read = () => client.workspaces.get({ params: { workspace }, query: { include_deleted: true } }, { signal })
  let isStale = options.initial ?? false
  for (;;) {
    try {
      let pieces = 0
      for await (const events of openEventSource(client, path, { signal })) {
        pieces += 1
        if (isStale) yield await read()
        isStale = false
        // A server may crash right after the first piece, so a stream counts as working from the
        // second on.
        if (pieces > 1) backoff.succeed()
        for (const event of events) yield event.event === 'error' ? await read() : workspaceOf(event)
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (isFinal(error)) throw error
    }
    isStale = true
    await backoff.wait()
  }
}

function workspaceOf({ data }: ServerSentEvent): Workspace {
  try {
    // The contract fixes the shape. The client trusts answers, here as everywhere.
    return JSON.parse(data) as Workspace
  } catch (cause) {
    throw new Error(`The server sent an event whose data is not JSON: "${data.slice(0, 200)}".`, { cause })
  }
}
