import { randomBytes, randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { verifies } from '@berth/requirements'
import { DatagramStream, formatAgentTarget, maxSpeedTestBytes } from '@berth/tunnel'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
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

const dial = async (target: string): Promise<Duplex> => await (await agent.server.tunnel()).dial(target)

const speedTest = (direction: 'down' | 'up', limits: { durationMs?: number; bytes?: number } = {}): string =>
  formatAgentTarget({ kind: 'speed-test', direction, durationMs: 60_000, bytes: maxSpeedTestBytes, ...limits })

async function terminal(command: string): Promise<Duplex> {
  return await dial(formatAgentTarget({ kind: 'terminal', id: randomUUID(), height: 24, width: 80, command }))
}

/** Starts a program that answers each datagram with the same bytes after a mark. */
async function startUdpEcho(host: '127.0.0.1' | '::1', port = 0): Promise<Socket> {
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (bytes, { port: from, address }) => socket.send(Buffer.concat([Buffer.from('>'), bytes]), from, address))
  socket.bind(port, host)
  await once(socket, 'listening')
  return socket
}

async function speak(port: number): Promise<{ send: (text: string | Buffer) => void; heard: Buffer[] }> {
  const heard: Buffer[] = []
  const stream = await dial(formatAgentTarget({ kind: 'udp', port }))
  onTestFinished(() => void stream.destroy())
  const datagrams = new DatagramStream(stream, { onDatagram: (bytes) => heard.push(Buffer.from(bytes)) })
  return { send: (bytes) => datagrams.send(Buffer.from(bytes)), heard }
}

describe('a UDP port', () => {
  const hosts = (['127.0.0.1', '::1'] as const).filter((host) => host === '127.0.0.1' || hasIpv6())

  test.each(hosts)('on %s exchanges datagrams, whose bounds stay as they were', async (host) => {
    verifies('berth:agent:udp')
    const { port } = (await startUdpEcho(host)).address()
    const { send, heard } = await speak(port)
    const large = randomBytes(60_000)
    for (const datagram of ['first', '', large]) send(datagram)
    await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThan(0)
    send('again')
    await expect.poll(() => heard.map(String), { timeout: 10_000 }).toContain('>again')
    if (host === '127.0.0.1') expect(heard.map(String)).toEqual(['>first', '>', `>${large.toString()}`, '>again'])
  })

  test('that nobody listens on loses datagrams, and takes them once somebody does', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    await once(socket, 'close')
    const { send, heard } = await speak(port)
    send('lost')
    send('lost too')
    await startUdpEcho('127.0.0.1', port)
    const answered = async (): Promise<number> => {
      send('heard')
      return await Promise.resolve(heard.length)
    }
    await expect.poll(answered, { timeout: 10_000 }).toBeGreaterThan(0)
    expect(heard.at(-1)?.toString()).toBe('>heard')
  })
})

test('an echo sends back what it gets, and ends when its client does', async () => {
  const stream = await dial('echo')
  const bytes = randomBytes(300_000)
  const back = buffer(stream)
  stream.end(bytes)
  expect((await back).equals(bytes)).toBe(true)
})

describe('a speed test', () => {
  test('sends as many bytes as it was asked for', async () => {
    verifies('berth:agent:speed-test')
    expect((await buffer(await dial(speedTest('down', { bytes: 1_000_001 })))).length).toBe(1_000_001)
  })

  test('sends until its time is over', async () => {
    expect((await buffer(await dial(speedTest('down', { durationMs: 20 })))).length).toBeGreaterThan(0)
  })

  test('says how many bytes it took', async () => {
    const stream = await dial(speedTest('up'))
    const answer = text(stream)
    stream.end(Buffer.alloc(1_000_001))
    expect(JSON.parse(await answer)).toEqual({ bytes: 1_000_001 })
  })

  test('breaks off when it gets more bytes than were announced', async () => {
    const stream = await dial(speedTest('up', { bytes: 10 }))
    stream.write(Buffer.alloc(11))
    await expect(once(stream, 'close')).rejects.toMatchObject({ name: 'TunnelStreamReset' })
  })

  test('is refused while four others run, and starts when one of them is over', async () => {
    const running = await Promise.all([1, 2, 3, 4].map(() => dial(speedTest('up'))))
    await expect(dial(speedTest('up'))).rejects.toMatchObject({ status: 503 })
    running.pop()?.destroy()
    await expect.poll(() => dial(speedTest('up')).then((stream) => stream.destroy()), { timeout: 10_000 }).toBeTruthy()
    for (const stream of running) stream.destroy()
  })
})

describe('a terminal that writes without end', () => {
  test('leaves the echo of another terminal working, whether it is read or not', async () => {
    verifies('berth:agent:terminal-flood')
    const flood = await terminal('yes flooding the terminal')
    const other = await terminal('stty -echo; echo ready; cat')
    onTestFinished(() => {
      flood.destroy()
      other.destroy()
    })
    let flooded = 0
    flood.on('data', (chunk: Buffer) => (flooded += chunk.length))
    let seen = ''
    other.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('ready')
    await once(flood, 'data')
    // Bytes instead of a clock: what the flood may have on its way is bounded, so the echo is not
    // behind more of it than that.
    const delays: number[] = []
    for (let count = 0; count < 20; count += 1) {
      if (count === 10) flood.pause()
      const before = flooded
      other.write(`${JSON.stringify({ data: `key-${count}.\n` })}\n`)
      while (!seen.includes(`key-${count}.`)) await once(other, 'data')
      delays.push(flooded - before)
    }
    expect(Math.max(...delays)).toBeLessThan(8 * 1024 * 1024)
  })
})

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))
}
