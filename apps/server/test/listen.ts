import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on a port of the system's choice. */
export interface Listening {
  readonly url: string
  /** Answers from now on. */
  answer(listener: RequestListener): void
  stop(): Promise<void>
}

export async function listen(): Promise<Listening> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    answer: (listener) => void server.removeAllListeners('request').on('request', listener),
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
