import type { Workspace } from '@berth/schema'
import { routes } from '@berth/schema/routes'
import type { Client } from './client.ts'
import { openEventSource, type ServerSentEvent } from './event-source.ts'
import { Backoff, isFinal, type StreamOptions } from './reconnect.ts'
import { expandPath } from './request-url.ts'

/** How a workspace is watched. */
export interface WatchOptions extends StreamOptions {
  /** Yield the workspace as it is, first. It is read once the stream is open, so that no change falls between. */
  readonly initial?: boolean | undefined
}

/**
 * Yields the whole workspace after each of its changes, until the caller stops. Never ends by itself, not even when the workspace is
 * deleted: look at `latest_build.status`.
 *
 * A broken stream is opened again after a growing delay, and the workspace is read then, since changes may have been missed. The same
 * state may be yielded twice; the last one yielded is the newest.
 *
 * @example
 * for await (const workspace of watchWorkspace(client, id, { initial: true })) {
 *   if (workspace.latest_build.status === 'running') break
 * }
 *
 * @param workspace the ID.
 * @throws ApiError when the server refuses for good (4xx other than 408 and 429), the signal's reason when it is aborted.
 */
export async function* watchWorkspace(
  client: Client,
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
        // One piece may be all that a server says before it falls over; it has to last longer to count as working.
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
    // The contract says that an event `data` holds a workspace; answers are not checked, here as everywhere in the client.
    return JSON.parse(data) as Workspace
  } catch (cause) {
    throw new Error(`The server sent an event whose data is not JSON: "${data.slice(0, 200)}".`, { cause })
  }
}
