/**
 * Builds the URL of a request.
 * @module
 */

/** A value in a path or query. In a query, `undefined` is left out. */
export type UrlValue = string | number | boolean | undefined

/**
 * Reads the URL of a server. It may have a path prefix and a trailing slash.
 *
 * @returns the URL without trailing slashes, for example `https://example.com/berth`.
 * @throws TypeError that says what to write instead.
 */
export function parseServerUrl(text: string | URL): string {
  const written = String(text)
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError(`"${written}" is not the URL of a server. Write it like https://berth.example.com.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('The URL of the server contains a user name or password. Remove them and pass a token instead.')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new TypeError(`The URL of the server ends in "${url.search}${url.hash}". Remove that part.`)
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/**
 * Fills in the parameters of a path template such as `/workspaces/:workspace`.
 *
 * @throws TypeError for a value that no path segment can carry: a missing or empty one, malformed
 *   Unicode, and `.` and `..`, which URL parsers resolve however they are escaped, so that the
 *   request would reach another operation.
 */
export function expandPath(template: string, parameters: Readonly<Record<string, UrlValue>> = {}): string {
  return template.replace(/:(\w+)/g, (_, name: string) => {
    const value = parameters[name]
    const text = value === undefined ? '' : String(value)
    if (text === '' || text === '.' || text === '..' || !isWellFormed(text)) {
      const shown = value === undefined ? 'missing' : JSON.stringify(text)
      throw new TypeError(`The path parameter "${name}" of ${template} is ${shown}, which no URL can carry.`)
    }
    return encodeURIComponent(text)
  })
}

/**
 * Returns a query string with its question mark, or an empty text if there is nothing to send.
 * Keeps the order of the keys.
 */
export function queryString(query: Readonly<Record<string, UrlValue>> = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, String(value))
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDFFF]/u.test(text)
}
