import { verifies } from '@berth/requirements'
import type { DialTunnel } from '@berth/tunnel'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgentProcess, type AgentProcess } from './agent-process.ts'
import { buildAgent } from './build-agent.ts'

let build: Awaited<ReturnType<typeof buildAgent>>
let agent: AgentProcess

beforeAll(async () => {
  build = await buildAgent()
  agent = await startAgentProcess({ entry: build.entry })
})

afterAll(async () => {
  await agent.cleanUp()
  await build.remove()
})

interface Viewer {
  stream: Duplex
  /** Everything shown so far. */
  seen: () => string
  type: (text: string) => void
  send: (input: object) => void
}

async function view(id: string, options: { tunnel?: DialTunnel; query?: string } = {}): Promise<Viewer> {
  const tunnel = options.tunnel ?? (await agent.server.tunnel())
  const stream = await tunnel.dial(`pty?id=${id}&height=24&width=80${options.query ?? ''}`)
  let seen = ''
  stream.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  const send = (input: object): void => void stream.write(`${JSON.stringify(input)}\n`)
  return { stream, seen: () => seen, send, type: (data) => send({ data }) }
}

test('a terminal runs the login shell, takes keys and follows the size of its window', async () => {
  const viewer = await view(randomUUID())
  viewer.type('stty size\r')
  await expect.poll(viewer.seen, { timeout: 10_000 }).toContain('24 80')
  viewer.send({ height: 50, width: 132 })
  viewer.send({ data: 'stty size\r', height: 0, width: 0 })
  await expect.poll(viewer.seen, { timeout: 10_000 }).toContain('50 132')
  viewer.type('exit\r')
  await once(viewer.stream, 'end')
})

test('a client that comes back finds the same shell and sees what it missed', async () => {
  verifies('berth:agent:reconnecting-pty')
  const id = randomUUID()
  const first = await view(id)
  first.type('MARK=kept-$((40+2)); sleep 0.3; echo later $MARK\r')
  await expect.poll(first.seen, { timeout: 10_000 }).toContain('MARK')
  first.stream.destroy()
  const second = await view(id)
  await expect.poll(second.seen, { timeout: 10_000 }).toContain('later kept-42')
  second.type('echo again $MARK\r')
  await expect.poll(second.seen, { timeout: 10_000 }).toContain('again kept-42')
  second.type('exit\r')
  await once(second.stream, 'end')
})

test('a reconnecting client sees at most the last 64 KiB again', async () => {
  const id = randomUUID()
  const first = await view(id, { query: `&command=${encodeURIComponent('seq 1 100000; echo that was it; cat')}` })
  await expect.poll(first.seen, { timeout: 20_000 }).toContain('that was it')
  first.stream.destroy()
  const second = await view(id)
  await expect.poll(second.seen, { timeout: 10_000 }).toContain('that was it')
  expect(Buffer.byteLength(second.seen())).toBe(64 * 1024)
  expect(first.seen().endsWith(second.seen())).toBe(true)
  second.stream.destroy()
})

test('several clients share one terminal', async () => {
  const id = randomUUID()
  const [first, second] = [await view(id), await view(id)]
  first.type('echo from-$((1+0))\r')
  await expect.poll(second.seen, { timeout: 10_000 }).toContain('from-1')
  second.type('echo from-$((1+1))\r')
  await expect.poll(first.seen, { timeout: 10_000 }).toContain('from-2')
  first.stream.destroy()
  second.type('exit\r')
  await once(second.stream, 'end')
})

test('a command that ended before a client attached still shows its output, and ends', async () => {
  const viewer = await view(randomUUID(), { query: '&command=echo%20short' })
  await once(viewer.stream, 'end')
  expect(viewer.seen()).toContain('short')
})

test('input other than a JSON object disconnects the client and leaves the terminal running', async () => {
  const id = randomUUID()
  const first = await view(id)
  first.stream.write('not json\n')
  await expect.poll(() => first.stream.destroyed).toBe(true)
  const second = await view(id)
  second.type('echo alive-$((1+1))\r')
  await expect.poll(second.seen, { timeout: 10_000 }).toContain('alive-2')
  second.type('exit\r')
  await once(second.stream, 'end')
})

test('a terminal outlives the tunnel', async () => {
  const id = randomUUID()
  const first = await view(id)
  first.type('KEPT=over-$((50+5))\r')
  await expect.poll(first.seen, { timeout: 10_000 }).toContain('KEPT')
  const old = await agent.server.tunnel()
  old.close()
  await old.closed
  await expect.poll(() => agent.server.tunnel().then((tunnel) => tunnel !== old)).toBe(true)
  const second = await view(id)
  second.type('echo $KEPT\r')
  await expect.poll(second.seen, { timeout: 10_000 }).toContain('over-55')
  second.type('exit\r')
  await once(second.stream, 'end')
})

test.each([
  ['pty?id=nonsense', 400, 'not a UUID'],
  ['pty?', 400, 'not a UUID'],
  ['ports/0', 400, 'not a port'],
  ['ports/65536', 400, 'not a port'],
  ['ports/80/../22', 400, 'not a port'],
  ['ports/1', 502, 'nothing listens there'],
  ['something-else', 404, 'does not know'],
])('the target %s is refused with %i', async (target, status, text) => {
  const refusal = (await agent.server.tunnel()).dial(target)
  await expect(refusal).rejects.toMatchObject({ name: 'TunnelRefusal', status, message: expect.stringContaining(text) as string })
})
