/** The first label of a host name that names no app; the message says so in the words of the wire (Coder v2 API, v0.13.4). */
export class AppHostnameError extends Error {
  override readonly name = 'AppHostnameError'
}

/** What the host name of an app says. Whether any of it exists is another question. */
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
 * Reads `{slug or port}--{agent}--{workspace}--{user}`, what stands for the asterisk in the pattern of the host names of apps (Coder v2 API, v0.13.4).
 *
 * @throws AppHostnameError unless there are exactly four parts of letters and digits with single hyphens between them.
 */
export function parseAppHostname(text: string): AppHostname {
  const [app = '', agent = '', workspace = '', user = '', ...more] = text.split('--')
  if (more.length > 0 || ![app, agent, workspace, user].every((part) => PART.test(part)))
    throw new AppHostnameError(`invalid application url format: ${JSON.stringify(text)}`)
  const port = DIGITS.test(app) ? Number(app) : 0
  return { app: port >= 1 && port <= MAX_PORT ? port : app, agent, workspace, user }
}

/**
 * What a host has in the place of the asterisk of a pattern such as `*.apps.example.com` or `*-apps.example.com`: no dot is in it, but it may be empty.
 * A port, a dot at the end and surrounding blanks do not count. The pattern is read in lower case, the host as it is (Coder v2 API, v0.13.4).
 *
 * @returns undefined for a host that does not fit the pattern.
 */
export function appHostLabel(pattern: string, host: string): string | undefined {
  const [before = '', after = ''] = pattern.toLowerCase().split('*')
  const name = host.trim().replace(/:\d*$/, '').replace(/\.$/, '')
  if (name.length < before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) return undefined
  const label = name.slice(before.length, name.length - after.length)
  return label.includes('.') ? undefined : label
}
