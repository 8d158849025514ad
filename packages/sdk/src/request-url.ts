/**
 * From an operation and its request to an address. Pure.
 * @module
 */

/** Values that a path or a query can carry. Of a query, `undefined` is left out. */
export type UrlValue = string | number | boolean | undefined

/**
 * Reads the address of a server as people write it: with or without a path prefix, with or without a trailing slash.
 *
 * @returns the address without trailing slashes, for example `https://example.com/berth`.
 * @throws TypeError that says what to write instead.
 */
export function parseServerUrl(text: string | URL): string {
  const written = String(text)
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError(`"${written}" is not the address of a server. Write it like https://berth.example.com.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('The address of the server holds a user name or a password. Leave them out and pass a token instead.')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new TypeError(`The address of the server ends in "${url.search}${url.hash}". Leave that out.`)
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/**
 * Puts parameters into a path template such as `/workspaces/:workspace`.
 *
 * @throws TypeError for a value that no path segment can carry: none, the empty text, `.` and `..` (an address parser would resolve
 *   those, however they are escaped, and the request would reach another operation), and text that is not well-formed Unicode.
 */
export function expandPath(template: string, parameters: Readonly<Record<string, UrlValue>> = {}): string {
  return template.replace(/:(\w+)/g, (_, name: string) => {
    const value = parameters[name]
    const text = value === undefined ? '' : String(value)
    if (text === '' || text === '.' || text === '..' || !isWellFormed(text)) {
      const shown = value === undefined ? 'missing' : JSON.stringify(text)
      throw new TypeError(`The path parameter "${name}" of ${template} is ${shown}, which no address can carry.`)
    }
    return encodeURIComponent(text)
  })
}

/** A query string with its question mark, or the empty text when nothing is left to send. Keeps the order of the keys. */
export function queryString(query: Readonly<Record<string, UrlValue>> = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, String(value))
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDFFF]/u.test(text)
}
