import { AppRefusal } from '../features/apps/app-refusal.ts'
import { queryToApp } from './forwarded-headers.ts'
import type { AppAddress } from './app-address.ts'

/** Where an app listens in its workspace, as its template says. */
export interface AppUrl {
  readonly port: number
  /** Whether it speaks TLS there. */
  readonly isSecure: boolean
  /** Without a slash at its end. */
  readonly path: string
  /** Empty, or with its question mark. */
  readonly query: string
}

/** The wire reserves the ports below (Coder v2 API, v0.13.4). */
const LEAST_PORT = 9
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/**
 * Reads an app's URL. Its host doesn't matter: apps listen in the workspace.
 *
 * @throws AppRefusal
 */
export function parseAppUrl(text: string): AppUrl {
  if (text === '') throw invalid('The app has no URL.')
  if (!URL.canParse(text)) throw invalid(`The app's URL ${JSON.stringify(text)} can't be read.`)
  const { protocol, port, pathname, search } = new URL(text)
  const defaultPort = DEFAULT_PORTS[protocol]
  if (defaultPort === undefined) throw invalid(`The app's URL has the scheme ${protocol}, which a browser can't open through this server.`)
  if (port !== '' && Number(port) < LEAST_PORT)
    throw new AppRefusal({
      status: 400,
      message: `The app can't use port ${port}. Coder reserves ports less than ${LEAST_PORT} for internal use.`,
      advice: `Let the app listen on another port.`,
      form: 'json',
    })
  return {
    port: port === '' ? defaultPort : Number(port),
    isSecure: protocol === 'https:',
    path: pathname.replace(/\/$/, ''),
    query: search,
  }
}

/**
 * Returns path and query of a request at the app. The query of the app's URL isn't added to the
 * client's (Coder v2 API, v0.13.4).
 */
export function pathAtApp(url: AppUrl, { path, query }: Pick<AppAddress, 'path' | 'query'>): string {
  return `${url.path}${path}${queryToApp(query)}`
}

function invalid(message: string): AppRefusal {
  return new AppRefusal({
    status: 400,
    message,
    advice: "Set the app's url in the template to the address it listens on, such as http://localhost:8080.",
  })
}
