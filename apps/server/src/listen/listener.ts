import type { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ListenAddress } from '../settings/network-readers.ts'

export type Listener = HttpServer | HttpsServer

const IDLE_CHECK_MS = 50

/**
 * Starts to listen and returns the URL. Throws an Error with one sentence that names the setting.
 */
export async function listen(listener: Listener, { host, port, setting }: ListenAddress): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    listener.once('error', (error: NodeJS.ErrnoException) => {
      const address = `${host}:${port}`
      const message =
        error.code === 'EADDRINUSE'
          ? `The address ${address} is taken by another program. Stop that program, or set ${setting} to another address.`
          : `The server cannot listen on ${address} (${setting}): ${error.message}`
      reject(new Error(message, { cause: error }))
    })
    listener.listen(port, host, resolve)
  })
  const { port: actualPort } = listener.address() as AddressInfo // of a TCP server
  const isAny = host === '0.0.0.0' || host === '::'
  const scheme = listener instanceof HttpsServer ? 'https' : 'http'
  return `${scheme}://${isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${actualPort}`
}

export async function closeListener(listener: Listener): Promise<void> {
  if (!listener.listening) return
  await new Promise<void>((resolve) => listener.close(() => resolve()))
}

/**
 * Stops listening and waits for open requests. Cuts off those that are still open after
 * `patienceMs`.
 */
export async function drainListener(listener: Listener, patienceMs: number): Promise<void> {
  // Clients would send more requests on connections that are kept alive.
  listener.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
  const closed = closeListener(listener)
  const closingIdle = setInterval(() => listener.closeIdleConnections(), IDLE_CHECK_MS)
  const deadline = setTimeout(() => listener.closeAllConnections(), patienceMs)
  listener.closeIdleConnections()
  await closed
  clearTimeout(deadline)
  clearInterval(closingIdle)
}
