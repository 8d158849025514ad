import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { failureOf } from './api-error.ts'
import type { WebSocketLike } from './websocket.ts'

const handshakeTimeoutMs = 30_000
/** A peer that doesn't answer a ping before the next one is gone. */
const pingIntervalMs = 15_000
const maxMessageBytes = 16 * 1024 * 1024
const maxRefusalCharacters = 64 * 1024

/**
 * Opens a socket with the `ws` package, which can send headers. A refused handshake gives an
 * `error` event whose `error` is an ApiError. Pings the server to notice dead connections.
 */
export function openWebSocket(url: string, { headers }: { readonly headers: Readonly<Record<string, string>> }): WebSocketLike {
  const socket = new WebSocket(url, {
    headers: { ...headers },
    handshakeTimeout: handshakeTimeoutMs,
    followRedirects: false,
    maxPayload: maxMessageBytes,
  })
  socket.on('unexpected-response', (request, response) => {
    readStart(response, (text) => {
      const asked = { method: 'GET', url: url.replace(/^ws/, 'http') }
      const contentType = response.headers['content-type'] ?? null
      socket.emit('error', failureOf({ ...asked, status: response.statusCode ?? 0, contentType, text }))
      request.destroy()
      socket.terminate()
    })
  })
  socket.on('open', () => {
    watchPeer(socket)
  })
  return socket
}

/** Ends the socket if a ping is still unanswered when the next is due. */
function watchPeer(socket: WebSocket): void {
  let isAlive = true
  const hear = () => {
    isAlive = true
  }
  socket.on('pong', hear)
  socket.on('ping', hear)
  socket.on('message', hear)
  const timer = setInterval(() => {
    // A paused socket can't read the pong.
    if (socket.isPaused) return
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, pingIntervalMs)
  socket.on('close', () => {
    clearInterval(timer)
  })
}

function readStart(response: IncomingMessage, done: (text: string) => void): void {
  let text = ''
  let isDone = false
  const finish = () => {
    if (isDone) return
    isDone = true
    done(text)
  }
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    if (text.length >= maxRefusalCharacters) finish()
  })
  response.on('end', finish)
  response.on('error', finish)
  response.on('close', finish)
}
