import { createServer as createHttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Logger } from 'pino'
import type { AppsListenAddress, ListenConfig } from '../settings/listen-settings.ts'
import type { ListenAddress } from '../settings/network-readers.ts'
import { closeListener, listen, type Listener } from './listener.ts'

/** Open listeners and their URLs. */
export interface OpenListeners {
  /** The HTTPS URL if TLS is on. */
  readonly url: string
  /** Undefined: the server doesn't listen for plain HTTP. */
  readonly httpUrl: string | undefined
  readonly listeners: readonly Listener[]
  /** Where apps by path have an origin of their own. Undefined: nowhere. */
  readonly apps: { readonly url: string; readonly listener: Listener } | undefined
}

/** The servers that speak TLS: one for everything, and one for apps by path. */
export interface TlsServers {
  readonly main: HttpsServer
  readonly apps: HttpsServer
}

/**
 * Listens on the addresses of the settings.
 *
 * @param https Undefined: TLS is off.
 * @param undo Receives a function for each listener that closes it.
 * @throws Error with one sentence that names the setting of an address that cannot be used.
 */
export async function openListeners(
  { http: httpAddress, tls: httpsAddress, apps: appsAddress }: ListenConfig,
  { https, logger, undo }: { readonly https: TlsServers | undefined; readonly logger: Logger; readonly undo: (() => Promise<void>)[] },
): Promise<OpenListeners> {
  const listeners: Listener[] = []
  const open = async (listener: Listener, address: ListenAddress): Promise<string> => {
    const url = await listen(listener, address)
    undo.push(async () => await closeListener(listener))
    return url
  }
  const openMain = async (listener: Listener, address: ListenAddress): Promise<string> => {
    listeners.push(listener)
    return await open(listener, address)
  }
  const httpUrl = httpAddress && (await openMain(createHttpServer(), httpAddress))
  const httpsUrl = https && httpsAddress && (await openMain(https.main, httpsAddress))
  const url = httpsUrl ?? httpUrl
  if (url === undefined) throw new Error('The server has no address to listen on: set BERTH_HTTP_ADDRESS or BERTH_TLS_ENABLE.')
  return {
    url,
    httpUrl,
    listeners,
    apps: appsAddress && (await openApps(appsAddress, https?.apps ?? createHttpServer(), { open, logger })),
  }
}

async function openApps(
  address: AppsListenAddress,
  listener: Listener,
  { open, logger }: { readonly open: (listener: Listener, address: ListenAddress) => Promise<string>; readonly logger: Logger },
): Promise<OpenListeners['apps']> {
  try {
    return { url: await open(listener, address), listener }
  } catch (error) {
    if (address.isGiven) throw error
    logger.warn(
      { err: error },
      `apps by path open in no browser: port ${address.port} is taken. Set BERTH_APPS_ADDRESS to another address.`,
    )
    return undefined
  }
}

/**
 * Finds out whether the addresses of the settings can be used, by listening on them for a moment.
 *
 * @throws Error with one sentence that names the setting of an address that cannot be used.
 */
export async function checkAddresses({ http, tls, apps }: ListenConfig): Promise<void> {
  for (const address of [http, tls, apps?.isGiven === true ? apps : undefined]) {
    if (address === undefined) continue
    const listener = createHttpServer()
    await listen(listener, address)
    await closeListener(listener)
  }
}
