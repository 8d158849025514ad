import { rawRequest, type RawAnswer } from './raw-request.ts'

const MAX_REDIRECTS = 20

/**
 * As much of a browser as signing in needs. It keeps cookies for each host and follows redirects.
 */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>()

  cookie(url: string, name: string): string | undefined {
    return this.#jar(url).get(name)
  }

  setCookie(url: string, name: string, value: string): void {
    this.#jar(url).set(name, value)
  }

  /** One request, wherever the answer leads. */
  async visit(url: string): Promise<RawAnswer> {
    const jar = this.#jar(url)
    const { pathname, search } = new URL(url)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await rawRequest(url, `GET /${pathname}${search}`, { headers: { ...(cookie !== '' && { cookie }) } })
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    return answer
  }

  /** Follows redirects until `isThere` or to the end. Returns the last answer and its URL. */
  async follow(url: string, isThere: (url: URL) => boolean = () => false): Promise<{ answer: RawAnswer; url: string }> {
    let current = url
    for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
      const answer = await this.visit(current)
      const { location } = answer.headers
      if (location === undefined || isThere(new URL(location, current))) return { answer, url: current }
      current = new URL(location, current).href
    }
    throw new Error(`redirected more than ${MAX_REDIRECTS} times, at last to ${current}`)
  }

  #jar(url: string): Map<string, string> {
    const { host } = new URL(url)
    const jar = this.#cookies.get(host) ?? new Map<string, string>()
    this.#cookies.set(host, jar)
    return jar
  }
}
