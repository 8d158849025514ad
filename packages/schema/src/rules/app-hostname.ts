/** A host name doesn't name an app. The wire fixes the message (Coder v2 API, v0.13.4). */
export class AppHostnameError extends Error {
  override readonly name = 'AppHostnameError'
}

/** The parts of an app's host name. Nothing says that they exist. */
export interface AppHostname {
  /** The slug of an app, or a port from 1 to 65535. */
  readonly app: string | number
  readonly agent: string
  readonly workspace: string
  /** A username. */
  readonly user: string
}

const PART = /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/
const DIGITS = /^\d+$/
const MAX_PORT = 65_535

/**
 * Reads `{slug or port}--{agent}--{workspace}--{user}`, the part of an app's host name that the
 * asterisk of the wildcard stands for (Coder v2 API, v0.13.4).
 *
 * @throws AppHostnameError unless there are exactly four parts of letters and digits, with single
 *   hyphens between them.
 */
export function parseAppHostname(text: string): AppHostname {
  const [app = '', agent = '', workspace = '', user = '', ...more] = text.split('--')
  if (more.length > 0 || ![app, agent, workspace, user].every((part) => PART.test(part)))
    throw new AppHostnameError(`invalid application url format: ${JSON.stringify(text)}`)
  const port = DIGITS.test(app) ? Number(app) : 0
  return { app: port >= 1 && port <= MAX_PORT ? port : app, agent, workspace, user }
}

/**
 * Returns the part of a host that the asterisk of a pattern such as `*.apps.example.com` or
 * `*-apps.example.com` stands for (Coder v2 API, v0.13.4). It contains no dot and may be empty. A
 * port, a final dot and surrounding white space are ignored. The pattern is lower-cased first, the
 * host is not.
 *
 * @returns undefined for a host that doesn't match the pattern.
 */
export function appHostLabel(pattern: string, host: string): string | undefined {
  const [before = '', after = ''] = pattern.toLowerCase().split('*')
  const name = host.trim().replace(/:\d*$/, '').replace(/\.$/, '')
  if (name.length < before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) return undefined
  const label = name.slice(before.length, name.length - after.length)
  return label.includes('.') ? undefined : label
}
