import { createServer as createHttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { ListenConfig } from '../settings/listen-settings.ts'
import { closeListener, listen, type Listener } from './listener.ts'

/** Open listeners and their URLs. */
export interface OpenListeners {
  /** The HTTPS URL if TLS is on. */
  readonly url: string
  /** Undefined: the server doesn't listen for plain HTTP. */
  readonly httpUrl: string | undefined
  readonly listeners: readonly Listener[]
}

/**
 * Listens on the addresses of the settings.
 *
 * @param https Undefined: TLS is off.
 * @param undo Receives a function for each listener that closes it.
 * @throws Error with one sentence that names the setting of an address that cannot be used.
 */
export async function openListeners(
  { http: httpAddress, tls: httpsAddress }: ListenConfig,
  { https, undo }: { readonly https: HttpsServer | undefined; readonly undo: (() => Promise<void>)[] },
): Promise<OpenListeners> {
  const listeners: Listener[] = []
  const open = async (listener: Listener, address: Parameters<typeof listen>[1]): Promise<string> => {
    const url = await listen(listener, address)
    undo.push(async () => await closeListener(listener))
    listeners.push(listener)
    return url
  }
  const httpUrl = httpAddress && (await open(createHttpServer(), httpAddress))
  const httpsUrl = https && httpsAddress && (await open(https, httpsAddress))
  const url = httpsUrl ?? httpUrl
  if (url === undefined) throw new Error('The server has no address to listen on: set BERTH_HTTP_ADDRESS or BERTH_TLS_ENABLE.')
  return { url, httpUrl, listeners }
}

/**
 * Finds out whether the addresses of the settings can be used, by listening on them for a moment.
 *
 * @throws Error with one sentence that names the setting of an address that cannot be used.
 */
export async function checkAddresses({ http, tls }: ListenConfig): Promise<void> {
  for (const address of [http, tls]) {
    if (address === undefined) continue
    const listener = createHttpServer()
    await listen(listener, address)
    await closeListener(listener)
  }
}
