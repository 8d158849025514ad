import { createServer as createHttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { ListenConfig } from '../settings/listen-settings.ts'
import { closeListener, listen, type Listener } from './listener.ts'

/** Listeners that are open, and where. */
export interface OpenListeners {
  /** Over HTTPS where that is on. */
  readonly url: string
  /** Undefined: nobody listens for plain HTTP. */
  readonly httpUrl: string | undefined
  readonly listeners: readonly Listener[]
}

/**
 * Listens where the settings say.
 *
 * @param https Listens for HTTPS; undefined: TLS is off.
 * @param started Gets what closes each again.
 * @throws Error with one sentence that names the setting of an address that cannot be used.
 */
export async function openListeners(
  { http: httpAddress, tls: httpsAddress }: ListenConfig,
  { https, started }: { readonly https: HttpsServer | undefined; readonly started: (() => Promise<void>)[] },
): Promise<OpenListeners> {
  const listeners: Listener[] = []
  const open = async (listener: Listener, address: Parameters<typeof listen>[1]): Promise<string> => {
    const url = await listen(listener, address)
    started.push(async () => await closeListener(listener))
    listeners.push(listener)
    return url
  }
  const httpUrl = httpAddress && (await open(createHttpServer(), httpAddress))
  const httpsUrl = https && httpsAddress && (await open(https, httpsAddress))
  const url = httpsUrl ?? httpUrl
  if (url === undefined) throw new Error('The server has nowhere to listen: set BERTH_HTTP_ADDRESS, or BERTH_TLS_ENABLE.')
  return { url, httpUrl, listeners }
}
