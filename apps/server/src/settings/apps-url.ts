import { ConfigError } from './config-error.ts'
import type { SettingValues } from './setting-values.ts'

interface Addresses {
  readonly accessUrl: string
  /** The URL of the address that the server listens on. */
  readonly url: string
  /** The URL of the address that it listens on for apps by path. */
  readonly listeningAt: string | undefined
}

/**
 * Returns the origin at which browsers reach apps by path. Undefined: there is none, or the
 * settings don't tell which.
 *
 * @throws ConfigError if it is that of the access URL.
 */
export function appsUrlOf(
  { pathApps, appsAccessUrl }: Pick<SettingValues, 'pathApps' | 'appsAccessUrl'>,
  { accessUrl, url, listeningAt }: Addresses,
): string | undefined {
  if (pathApps !== 'isolated') return undefined
  const access = new URL(accessUrl)
  if (appsAccessUrl !== undefined) {
    if (new URL(appsAccessUrl).host === access.host)
      throw new ConfigError(
        `BERTH_APPS_ACCESS_URL (${appsAccessUrl}) has the host and the port of the access URL. Give it another host or another port.`,
      )
    return appsAccessUrl
  }
  // Behind a proxy or in a container, people reach the server at a port that it doesn't know.
  if (listeningAt === undefined || portOf(access) !== portOf(new URL(url)) || access.protocol !== new URL(url).protocol) return undefined
  return `${access.protocol}//${access.hostname}:${new URL(listeningAt).port}`
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
}
