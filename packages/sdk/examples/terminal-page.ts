/**
 * Shows a terminal of a fresh workspace in a page, and deletes the workspace when the page is
 * closed. Whoever can open the page can type, so it listens on this machine only, and takes keys
 * from its own page only.
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@berth/sdk'
import { WebSocketServer, type WebSocket } from 'ws'

const client = createClient({ url: process.env['BERTH_URL'] ?? 'http://127.0.0.1:3000', token: process.env['BERTH_TOKEN'] })
const template = process.env['BERTH_TEMPLATE'] ?? 'local-starter'

const page = `<!doctype html><title>A workspace</title><pre style="height: 95vh; overflow: auto"></pre><script>
  const screen = document.querySelector('pre')
  const keys = new WebSocket(location.href.replace('http', 'ws'))
  const special = { Enter: '\\r', Backspace: '\\x7f', Tab: '\\t', Escape: '\\x1b', ArrowUp: '\\x1b[A', ArrowDown: '\\x1b[B' }
  keys.onmessage = ({ data }) => { screen.append(data); screen.scrollTop = screen.scrollHeight }
  onkeydown = (event) => {
    const key = event.ctrlKey && event.key.length === 1 ? String.fromCharCode(event.key.charCodeAt(0) & 31) : event.key
    const text = special[key] ?? (key.length === 1 ? key : '')
    if (text) { keys.send(text); event.preventDefault() }
  }
</script>`

const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(page))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
// A server that listens has an address of this kind.
const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const sockets = new WebSocketServer({ server, verifyClient: ({ origin }: { origin: string }) => origin === address })

await using box = await client.workspaces.create({ template, ttlMs: 3_600_000 })
console.log(`Open ${address}`)

const [socket] = (await once(sockets, 'connection')) as [WebSocket]
await using terminal = box.spawn(['sh', '-i'], { terminal: { rows: 40, columns: 120 } })
socket.on('message', (keys: Buffer) => void terminal.write(keys.toString('utf8')))
socket.once('close', () => terminal.close())
try {
  const decoder = new TextDecoder()
  for await (const { bytes } of terminal) socket.send(decoder.decode(bytes, { stream: true }))
  console.log('The shell has ended.')
} catch {
  console.log('The page was closed.')
}
socket.close()
server.close()
