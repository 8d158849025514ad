/**
 * Serves a page in a workspace, reads it through a port of this machine, and prints the URL at
 * which a browser shows it, if the deployment has host names for apps.
 * @module
 */
import { createClient } from '@berth/sdk'

const client = createClient({ url: process.env['BERTH_URL'] ?? 'http://127.0.0.1:3000', token: process.env['BERTH_TOKEN'] })
const template = process.env['BERTH_TEMPLATE'] ?? 'local-starter'
/** A Node.js in the workspace. */
const node = process.env['NODE_IN_WORKSPACE'] ?? 'node'

const program = `
  const server = require('node:http').createServer((_, response) => response.end('<h1>Hello from a workspace</h1>'))
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

await using box = await client.workspaces.create({ template, ttlMs: 600_000 })
await using serving = box.spawn([node, '-e', program])
const { value: port } = await serving.lines('stdout').next()

await using forwarded = await box.ports.forward(Number(port))
const page = await fetch(`http://${forwarded.host}:${forwarded.port}/`)
console.log(await page.text())

const { host } = await client.applications.getHost()
console.log(host === '' ? 'The deployment has no host names for apps.' : await box.ports.url(Number(port)))
