import type { ProvisionerJobLog } from '@berth/schema/shapes'
import { routes } from '@berth/schema/routes'
import { ApiError } from './api-error.ts'
import type { DerivedClient } from './client.ts'
import { ConnectionError } from './connection-error.ts'
import { MessageReader } from './message-reader.ts'
import { Backoff, isFinal, type StreamOptions } from './reconnect.ts'
import { expandPath } from './request-url.ts'

/** The ID of a workspace build, or of a template version whose import to follow. */
export type LogSource = { readonly build: string } | { readonly templateVersion: string }

/** Options for following a log. */
export interface FollowOptions extends StreamOptions {
  /** Skip entries up to and including this ID. */
  readonly after?: number | undefined
}

/** The close code of a complete log. */
const normalClosure = 1000
/** How many handshakes in a row may fail while plain requests succeed. */
const maxRefusals = 5

/**
 * Yields all entries of a log, existing and future ones, each once. Ends when the job ends.
 *
 * Reopens a broken stream after a growing delay and continues after the last entry.
 *
 * @example
 * const entries = followLogs(client, { build: workspace.latest_build.id })
 * for await (const { stage, output } of entries) print(stage, output)
 *
 * @throws ApiError if the server refuses for good (4xx except 408 and 429), ConnectionError if the
 *   server answers but no WebSocket reaches it, the signal's reason if it is aborted.
 */
export async function* followLogs(
  client: DerivedClient,
  source: LogSource,
  options: FollowOptions = {},
): AsyncGenerator<ProvisionerJobLog, void, void> {
  const path = pathOf(source)
  const { signal } = options
  const backoff = new Backoff(options)
  let last = options.after
  let refusals = 0
  for (;;) {
    signal?.throwIfAborted()
    const reader = new MessageReader(client.openSocket(path, { follow: '', after: last }), signal)
    try {
      for (let text = await reader.next(); text !== undefined; text = await reader.next()) {
        const entry = entryOf(text)
        backoff.succeed()
        if (last !== undefined && entry.id <= last) continue
        last = entry.id
        yield entry
      }
    } finally {
      reader.close()
    }
    signal?.throwIfAborted()
    if (reader.closeCode === normalClosure) return
    refusals = reader.hasOpened ? 0 : refusals + 1
    if (!reader.hasOpened) await explainRefusal(client, path, { reader, refusals, signal, last })
    await backoff.wait()
  }
}

function pathOf(source: LogSource): string {
  return 'build' in source
    ? expandPath(routes.builds.logs.path, { workspacebuild: source.build })
    : expandPath(routes.templateVersions.logs.path, { templateversion: source.templateVersion })
}

function entryOf(text: string): ProvisionerJobLog {
  try {
    // The contract fixes the shape. The client trusts answers, here as everywhere.
    return JSON.parse(text) as ProvisionerJobLog
  } catch (cause) {
    throw new Error(`The server sent a log entry that is not JSON: "${text.slice(0, 200)}".`, { cause })
  }
}

interface Refusal {
  readonly reader: MessageReader
  readonly refusals: number
  readonly signal: AbortSignal | undefined
  readonly last: number | undefined
}

/**
 * Throws if another handshake would fail too. Browsers hide why one failed, so a plain request
 * finds out.
 */
async function explainRefusal(client: DerivedClient, path: string, { reader, refusals, signal, last }: Refusal): Promise<void> {
  if (ApiError.is(reader.error)) {
    if (isFinal(reader.error)) throw reader.error
    return
  }
  try {
    const response = await client.fetch(path, { query: { after: last }, signal })
    await response.body?.cancel()
  } catch (error) {
    signal?.throwIfAborted()
    if (isFinal(error)) throw error
    return
  }
  if (refusals < maxRefusals) return
  const message = `${client.url} answers, but no WebSocket reaches it. Check that proxies in between allow WebSocket upgrades.`
  throw new ConnectionError(message, { method: 'GET', url: client.url + path, cause: reader.error })
}
