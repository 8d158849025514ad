import type { WebSocketLike } from './websocket.ts'

const tokenHeader = 'coder-session-token'

/**
 * Opens a socket with the browser's own class, which can't send headers. The session cookie
 * authenticates it; if there is a token, it goes into the query, where the server also looks for it
 * (Coder v2 API, v0.13.4).
 */
export function openWebSocket(url: string, { headers }: { readonly headers: Readonly<Record<string, string>> }): WebSocketLike {
  const address = new URL(url)
  const token = Object.entries(headers).find(([name]) => name.toLowerCase() === tokenHeader)?.[1]
  if (token !== undefined) address.searchParams.set('coder_session_token', token)
  // Typed here because not every program that type-checks this package has a global WebSocket.
  const { WebSocket } = globalThis as { readonly WebSocket?: new (url: string) => WebSocketLike }
  if (WebSocket === undefined) throw new TypeError('This environment has no WebSocket. Pass one to createClient.')
  return new WebSocket(address.href)
}
