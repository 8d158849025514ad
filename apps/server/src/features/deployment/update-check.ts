import type { UpdateCheckResponse } from '@berth/schema'
import type { Logger } from 'pino'

interface Options {
  /** A URL that answers with `tag_name` and `html_url` of the newest release. */
  readonly url: string
  /** The running version. */
  readonly version: string
  readonly logger: Logger
}

const CHECK_INTERVAL_MS = 86_400_000
const TIMEOUT_MS = 30_000
/** How long a request waits for a check. Clients give up after 10 s. */
const MAX_WAIT_MS = 3_000
const MAX_BYTES = 1_048_576

/** Looks for a newer release once a day. Keeps the last result when a check fails. */
export class UpdateCheck {
  readonly #options: Options
  readonly #stopping = new AbortController()
  #newest: UpdateCheckResponse | undefined
  #looking: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /**
   * Returns the newest release; undefined until a check has succeeded. When none is known yet,
   * waits a few seconds for the check that is running.
   */
  async newest(): Promise<UpdateCheckResponse | undefined> {
    if (this.#newest === undefined) await settledWithin(this.#looking, MAX_WAIT_MS)
    return this.#newest
  }

  start(): void {
    this.#looking = this.#look()
    this.#timer = setInterval(() => (this.#looking = this.#look()), CHECK_INTERVAL_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#looking
  }

  async #look(): Promise<void> {
    const { url, version, logger } = this.#options
    try {
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIMEOUT_MS)])
      const release = readRelease(await fetchText(url, signal))
      this.#newest = { current: compareVersions(version, release.version) >= 0, ...release }
    } catch (error) {
      if (!this.#stopping.signal.aborted) logger.warn({ err: error }, "couldn't look up the newest release")
    }
  }
}

/** Resolves when the work has ended or the time is over, whichever comes first. */
async function settledWithin(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))])
  clearTimeout(timer)
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, headers: { Accept: 'application/json' } })
  if (!response.ok || response.body === null) throw new Error(`${new URL(url).host} answered ${response.status}`)
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_BYTES) throw new Error(`${new URL(url).host} answered with more than ${MAX_BYTES} bytes`)
  }
  return text
}

function readRelease(text: string): { version: string; url: string } {
  const { tag_name, html_url } = Object(JSON.parse(text)) as Record<string, unknown>
  if (typeof tag_name !== 'string' || typeof html_url !== 'string' || numbersOf(tag_name) === undefined)
    throw new Error('the answer lacks a release version or URL')
  return { version: tag_name, url: html_url }
}

/**
 * Compares two versions; negative when the first is older. Ignores what follows a hyphen. The
 * numbers after a plus sign decide between equals.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a) ?? [], numbersOf(b) ?? []]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    // A version without numbers after a plus sign equals one with them.
    const difference = (left[index] ?? right[index] ?? 0) - (right[index] ?? left[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbersOf(version: string): number[] | undefined {
  const [, major, minor, patch, own = ''] = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:\+[a-z]+\.([\d.]+))?/.exec(version) ?? []
  if (major === undefined) return undefined
  return [major, minor ?? '0', patch ?? '0', ...own.split('.').filter((word) => word !== '')].map(Number)
}
