import type { ProvisionerJobLog } from '@berth/schema'
import { routes } from '@berth/schema/routes'
import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import { ConnectionError } from './connection-error.ts'
import { MessageReader } from './message-reader.ts'
import { Backoff, isFinal, type StreamOptions } from './reconnect.ts'
import { expandPath } from './request-url.ts'

/** Whose log: of a workspace build, or of the import of a template version. By ID. */
export type LogSource = { readonly build: string } | { readonly templateVersion: string }

/** How a log is followed. */
export interface FollowOptions extends StreamOptions {
  /** Only entries with a greater ID. */
  readonly after?: number | undefined
}

/** The close code of a log that is complete. */
const normalClosure = 1000
/** Handshakes in a row that may fail while plain requests succeed. */
const maxRefusals = 5

/**
 * Yields the entries of a log from the beginning, those that exist and those to come, each once. Ends when the job has ended.
 *
 * A broken stream is opened again after a growing delay and continues after the last entry.
 *
 * @example
 * for await (const { stage, output } of followLogs(client, { build: workspace.latest_build.id })) print(stage, output)
 *
 * @throws ApiError when the server refuses for good (4xx other than 408 and 429), ConnectionError when the server answers but no
 *   WebSocket gets through to it, the signal's reason when it is aborted.
 */
export async function* followLogs(
  client: Client,
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
    // The contract says what a message holds; answers are not checked, here as everywhere in the client.
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

/** Throws when another handshake would be refused too. Browsers don't say why one was, so a plain request asks. */
async function explainRefusal(client: Client, path: string, { reader, refusals, signal, last }: Refusal): Promise<void> {
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
  const message = `${client.url} answers, but no WebSocket gets through to it. Check that the proxies between let upgrades pass.`
  throw new ConnectionError(message, { method: 'GET', url: client.url + path, cause: reader.error })
}
