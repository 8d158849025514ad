import { Failure } from '@berth/schema'
import { parseAppHostname } from '@berth/schema/rules'
import type { NamedApp } from '../features/apps/service.ts'
import { pathOf, queryTextOf } from '../http/request-target.ts'

/** An app or a port as a request names it, and what the request asks of it. */
export interface AppAddress extends NamedApp {
  /** What comes before {@link path} in the request's path. */
  readonly base: string
  /** The path inside the app as the client spelled it: empty, or with a slash at its start. */
  readonly path: string
  /** The query as the client spelled it: empty, or with its question mark. */
  readonly query: string
}

const APP_PATH = /^(\/(?:@|%40)([^/]+)\/([^/]+)\/apps\/([^/]+))(\/.*)?$/s

/** Whether a request's path has the form of an app's. */
export function isAppPath(target: string | undefined): boolean {
  return APP_PATH.test(pathOf(target))
}

/**
 * Reads `/@{user}/{workspace}[.{agent}]/apps/{slug}/…` (Coder v2 API, v0.13.4). Throws
 * `invalid_url`.
 *
 * @returns undefined for a path that has another form.
 */
export function parseAppPath(target: string | undefined): AppAddress | undefined {
  const [, base = '', user = '', place = '', app = '', path = ''] = APP_PATH.exec(pathOf(target)) ?? []
  if (base === '') return undefined
  const [workspace = '', ...agent] = decoded(place).split('.')
  return {
    user: decoded(user),
    workspace,
    agent: agent.length === 0 ? undefined : agent.join('.'),
    app: decoded(app),
    base,
    path,
    query: queryTextOf(target),
  }
}

/** Reads the part of a host name that the wildcard stands for. Throws `AppHostnameError`. */
export function parseAppHost(label: string, target: string | undefined): AppAddress {
  return { ...parseAppHostname(label), base: '', path: pathOf(target), query: queryTextOf(target) }
}

function decoded(text: string): string {
  let name: string
  try {
    name = decodeURIComponent(text)
  } catch (error) {
    throw new Failure('invalid_url', { cause: error })
  }
  // PostgreSQL can't store NUL, so nothing has such a name.
  if (name.includes('\0')) throw new Failure('not_found')
  return name
}
