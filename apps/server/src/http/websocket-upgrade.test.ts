import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifies } from '@berth/requirements'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { WebSocketUpgrades } from './websocket-upgrade.ts'

afterEach(() => void vi.useRealTimers())

/**
 * Returns both open ends of a WebSocket to a server that accepts every upgrade. Fake timers drive
 * the pings.
 */
async function connect(
  options: { readonly autoPong?: boolean } = {},
): Promise<{ client: WebSocket; accepted: WebSocket; heard: string[] }> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const server = createServer()
  const accepted = new Promise<WebSocket>((resolve) => {
    const upgrades: WebSocketUpgrades = new WebSocketUpgrades((request) => void upgrades.accept(request, resolve))
    upgrades.attach(server)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options)
  onTestFinished(async () => {
    client.terminate()
    await new Promise((resolve) => server.close(resolve))
  })
  const heard: string[] = []
  client.on('ping', () => heard.push('ping'))
  client.on('message', (data: Buffer) => heard.push(data.toString('utf8')))
  await once(client, 'open')
  return { client, accepted: await accepted, heard }
}

test('an open WebSocket is pinged every 15 seconds and stays open while it answers', async () => {
  verifies('wire:socket:ping')
  const { accepted, heard } = await connect()
  for (const round of ['first', 'second', 'third']) {
    vi.advanceTimersByTime(14_999)
    accepted.send(round)
    const answered = once(accepted, 'pong')
    vi.advanceTimersByTime(1)
    await answered
  }
  expect(heard).toEqual(['first', 'ping', 'second', 'ping', 'third', 'ping'])
})

test('a peer that has sent nothing by the next ping is cut off', async () => {
  const { client, accepted } = await connect({ autoPong: false })
  vi.advanceTimersByTime(15_000)
  client.send('still here')
  await once(accepted, 'message')
  vi.advanceTimersByTime(15_000)
  expect(accepted.readyState).toBe(WebSocket.OPEN)
  const closed = once(client, 'close')
  vi.advanceTimersByTime(15_000)
  expect((await closed)[0]).toBe(1006)
})
