import { eventPingIntervalMs } from '@berth/schema/routes'
import { createParser } from 'eventsource-parser'
import type { ClientConnection } from './client.ts'
import { ConnectionError } from './connection-error.ts'

/** A server that misses three pings in a row counts as gone. */
const defaultSilenceMs = 3 * eventPingIntervalMs
/** The longest accepted event. */
const maxEventCharacters = 16 * 1024 * 1024

/** An event with data. Events without data, such as pings, are dropped. */
export interface ServerSentEvent {
  readonly event: string | undefined
  readonly data: string
}

/** Options of a stream of events. */
export interface EventSourceOptions {
  readonly signal?: AbortSignal | undefined
  /** How long the server may be silent, in milliseconds. Default: three ping intervals. */
  readonly silenceMs?: number
}

/**
 * Opens a stream of server-sent events. For each piece of data that arrives, yields the events it
 * completes: none, one or several. The first piece shows that the server has subscribed. Ends when
 * the server ends the stream.
 *
 * @throws ApiError if the server refuses, ConnectionError if the stream breaks or falls silent.
 */
export async function* openEventSource(
  client: Pick<ClientConnection, 'fetch' | 'url'>,
  path: string,
  { signal, silenceMs = defaultSilenceMs }: EventSourceOptions = {},
): AsyncGenerator<readonly ServerSentEvent[], void, void> {
  const asked = { method: 'GET', url: `${client.url}/api/v2${path}` }
  const silence: Silence = {
    limitMs: silenceMs,
    error: () => new ConnectionError(`${client.url} stopped sending. Check your network.`, { ...asked, cause: undefined }),
  }
  const response = await connect(client, path, { signal, silence })
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const decoder = new TextDecoder()
  const pieces = new EventPieces()
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), silence)
      if (done) return
      yield pieces.read(decoder.decode(value, { stream: true }))
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (ConnectionError.is(error) || error instanceof EventTooLong) throw error
    throw new ConnectionError(`The stream from ${client.url} broke. Check your network.`, { ...asked, cause: error })
  } finally {
    // Not awaited: a dead connection may never confirm.
    reader.cancel().catch(() => undefined)
  }
}

interface Silence {
  readonly limitMs: number
  readonly error: () => Error
}

interface ConnectOptions {
  readonly signal: AbortSignal | undefined
  readonly silence: Silence
}

async function connect(client: Pick<ClientConnection, 'fetch'>, path: string, { signal, silence }: ConnectOptions): Promise<Response> {
  const connecting = new AbortController()
  const timer = setTimeout(() => {
    connecting.abort(silence.error())
  }, silence.limitMs)
  try {
    const either = signal === undefined ? connecting.signal : AbortSignal.any([signal, connecting.signal])
    return await client.fetch(path, { signal: either, headers: { Accept: 'text/event-stream' } })
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Awaits a step, and rejects if the server is silent for too long. A slow reader of the stream
 * doesn't count.
 */
async function within<T>(step: Promise<T>, silence: Silence): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(silence.error()), silence.limitMs)
  })
  try {
    return await Promise.race([step, late])
  } finally {
    clearTimeout(timer)
  }
}

class EventTooLong extends Error {
  override readonly name = 'EventTooLong'
}

/** Splits text that arrives in pieces into events. */
class EventPieces {
  #events: ServerSentEvent[] = []
  #failure: Error | undefined
  readonly #parser = createParser({
    maxBufferSize: maxEventCharacters,
    onEvent: ({ event, data }) => {
      this.#events.push({ event, data })
    },
    onError: ({ type }) => {
      if (type !== 'max-buffer-size-exceeded') return
      this.#failure = new EventTooLong(`The server sent an event of more than ${maxEventCharacters} characters.`)
    },
  })

  read(text: string): readonly ServerSentEvent[] {
    this.#events = []
    this.#parser.feed(text)
    if (this.#failure !== undefined) throw this.#failure
    return this.#events
  }
}
