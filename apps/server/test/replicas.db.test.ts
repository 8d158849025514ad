import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import { createClient } from '@berth/sdk'
import { TunnelRefusal, dialTunnel, networkStream, type TunnelRequest } from '@berth/tunnel'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectRelay } from '../src/replicas/relay-connection.ts'
import { askingProof, newClaim, relayKey } from '../src/replicas/relay-proof.ts'
import { givenKeys } from '../src/secrets/key-file.ts'
import { SecretBox, placeOf } from '../src/secrets/secret-box.ts'
import { eventually } from './eventually.ts'
import {
  connectAgent,
  connectClient,
  createAgent,
  openSocket,
  opened,
  statusBecomes,
  type AgentPlace,
  type FakeAgent,
} from './fake-agent.ts'
import { rawRequest } from './raw-request.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer, type AnotherServer } from './start-another-server.ts'
import { FIRST_USER, TEST_SECRET_KEY, startTestServer, type TestServer } from './start-test-server.ts'

const certificate = (name: string): string => fileURLToPath(new URL(`./certificates/${name}`, import.meta.url))

let first: TestServer
let others: AnotherServer[]
beforeAll(async () => {
  first = await startTestServer()
  others = await Promise.all([
    startAnotherServer(first),
    // Nobody trusts its certificate.
    startAnotherServer(first, {
      config: {
        tls: {
          host: '127.0.0.1',
          port: 0,
          setting: 'BERTH_TLS_ADDRESS',
          certificates: [{ certFile: certificate('one.crt'), keyFile: certificate('one.key') }],
          minVersion: 'tls12',
          clientAuth: 'none',
          clientCaFile: undefined,
        },
      },
    }),
  ])
})
afterAll(async () => {
  await Promise.all(others.map(async (server) => await server.stop()))
  await first.stop()
})

/** Where a server listens without TLS, for clients that trust no certificate either. */
interface Plain {
  readonly url: string
}
const servers = (): Plain[] => [first, ...others.map(({ httpUrl }) => ({ url: httpUrl }))]

/** Answers every target: ssh echoes, a list of ports, a terminal, HTTP, and a refusal. */
async function play({ target, accept }: TunnelRequest): Promise<void> {
  if (target === 'ports/9999') throw new TunnelRefusal(502, 'Nothing listens on port 9999.')
  if (target === 'ports/421') throw new TunnelRefusal(421, 'An agent says what it likes.')
  const stream = accept()
  if (target === 'listening-ports') return void stream.end('{"ports":[{"port":8080,"process_name":"web"}]}')
  if (target === 'ports/8081') {
    stream.once('data', () => stream.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nan app'))
    return undefined
  }
  if (target === 'ports/1') {
    let said = ''
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    stream.on('end', () => stream.end(`heard ${said}`))
    return undefined
  }
  if (target === 'ports/2') return void stream.once('data', () => stream.destroy())
  if (target.startsWith('pty?')) {
    stream.on('data', (line: Buffer) => stream.write((JSON.parse(line.toString()) as { data: string }).data))
    return undefined
  }
  stream.pipe(stream)
  return undefined
}

async function connectedAt(
  server: Plain,
  answer: (request: TunnelRequest) => void | Promise<void> = play,
): Promise<AgentPlace & { readonly agent: FakeAgent }> {
  const place = await createAgent(first, { apps: [{ slug: 'web', url: 'http://localhost:8081' }] })
  const agent = await connectAgent(server, place.token, answer)
  onTestFinished(async () => await agent.close())
  await statusBecomes(place, 'connected')
  return { ...place, agent }
}

async function clientAt(server: Plain, { id }: AgentPlace) {
  const client = await connectClient(server, { agentId: id, token: first.firstUser.token })
  onTestFinished(() => client.close())
  return client
}

/** Uses every kind of connection to an agent through a server. */
async function useAt(server: Plain, place: AgentPlace): Promise<void> {
  const { token } = first.firstUser
  const client = await clientAt(server, place)
  const payload = randomBytes(300_000)
  const echo = await client.dial('ssh')
  echo.end(payload)
  expect((await buffer(echo)).equals(payload)).toBe(true)
  const halfClosed = await client.dial('ports/1')
  halfClosed.end('everything')
  expect(await text(halfClosed)).toBe('heard everything')
  const broken = await client.dial('ports/2')
  broken.write('something')
  await expect(text(broken)).rejects.toThrow('broke off')
  await expect(client.dial('ports/9999')).rejects.toMatchObject({ status: 502, message: 'Nothing listens on port 9999.' })
  await expect(client.dial('ports/421')).rejects.toMatchObject({ message: 'An agent says what it likes.' })
  const ports = await rawRequest(server.url, `GET /workspaceagents/${place.id}/listening-ports`, { token })
  expect(ports.json).toEqual({ ports: [{ process_name: 'web', network: 'tcp', port: 8080 }] })
  const app = await rawRequest(server.url, `GET //@testuser/${place.workspace.name}/apps/web/`, { token })
  expect([app.status, app.text]).toEqual([200, 'an app'])
  const terminal = openSocket(server, `/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}`, token)
  await opened(terminal)
  terminal.send(Buffer.from('{"data":"typed"}'))
  const [shown] = (await once(terminal, 'message')) as [Buffer]
  expect(shown.toString()).toBe('typed')
  terminal.close()
}

test('every kind of connection reaches an agent from every replica to every replica', async () => {
  verifies('replicas:dial')
  await Promise.all(
    servers().map(async (holder) => {
      const place = await connectedAt(holder)
      await Promise.all(servers().map(async (server) => await useAt(server, place)))
    }),
  )
})

test('a stream through another replica ends at the agent when its client signs out anywhere', async () => {
  verifies('replicas:sign-out')
  const [here, there] = servers() as [Plain, Plain]
  const accepted: Promise<unknown>[] = []
  const place = await connectedAt(there, ({ accept }) => {
    const stream = accept().resume()
    accepted.push(new Promise((resolve) => stream.once('close', resolve)))
  })
  const { session_token } = await first.clientFor().sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  const client = await connectClient(here, { agentId: place.id, token: session_token })
  const stream = await client.dial('ssh')
  stream.write('busy')
  await createClient({ url: there.url, token: session_token }).sessions.logout()
  await client.closed
  await accepted[0]
})

test('a reader that stops reading holds back the agent on the other replica', async () => {
  const [here, there] = servers() as [Plain, Plain]
  let sent = 0
  const place = await connectedAt(there, ({ accept }) => {
    const stream = accept()
    const chunk = Buffer.alloc(256 * 1024)
    const fill = (): void => {
      for (let hasRoom = true; hasRoom && sent < 256 * 1024 * 1024; sent += chunk.length) hasRoom = stream.write(chunk)
    }
    stream.on('drain', fill)
    fill()
  })
  const stream = await (await clientAt(here, place)).dial('ssh')
  await once(stream, 'readable')
  let before = -1
  await eventually(async () => {
    const isStill = before === sent
    before = sent
    return isStill ? true : await sleep(100, undefined)
  })
  // Windows and buffers of three tunnels.
  expect(sent).toBeLessThan(64 * 1024 * 1024)
  stream.destroy()
})

/** What a replica needs to know about another one. */
interface Row {
  readonly id: string
  readonly relay_url: string
}
async function rowOf(server: Plain): Promise<Row> {
  const rows = (await runSql(first, 'select id, relay_url from replicas')) as unknown as Row[]
  const row = rows.find(({ relay_url }) => relay_url === server.url)
  if (row === undefined) throw new Error(`no replica is at ${server.url}`)
  return row
}

async function keyOfDeployment(): Promise<Buffer> {
  // The first relay stores the secret.
  await useAt(servers()[1] as Plain, await connectedAt(servers()[0] as Plain))
  const [row] = await runSql(first, 'select sealed_secret from replica_relay_secret')
  const box = new SecretBox(givenKeys([TEST_SECRET_KEY]))
  return relayKey(box.open(row?.['sealed_secret'] as Buffer, placeOf('replica_relay_secret', 'sealed_secret', 'true')))
}

test('strangers find nothing where replicas connect, and neither does a proof that was used', async () => {
  verifies('replicas:relay:strangers')
  const key = await keyOfDeployment()
  const { id } = await rowOf(first)
  const proofOf = (by: Buffer): string =>
    askingProof(by, newClaim({ to: id, from: randomUUID(), sentAt: first.clock.now().getTime(), channel: '' }))
  const used = proofOf(key)
  const upgrade = { Connection: 'Upgrade', Upgrade: 'berth-relay' }
  const ask = async (headers: Record<string, string>, token?: string) =>
    await rawRequest(first.url, 'GET //replicas/relay', { headers, ...(token !== undefined && { token }) })
  const unknown = await rawRequest(first.url, 'GET //replicas/other')
  expect((await ask({ ...upgrade, 'Berth-Relay-Proof': used })).status).toBe(101)
  for (const [headers, token] of [
    [{}],
    [{ 'Berth-Relay-Proof': proofOf(key) }],
    [upgrade],
    [upgrade, first.firstUser.token],
    [{ ...upgrade, 'Berth-Relay-Proof': used }],
    [{ ...upgrade, 'Berth-Relay-Proof': proofOf(relayKey(Buffer.alloc(32))) }],
  ] as const) {
    const { status, text: said } = await ask(headers, token)
    expect([headers, status, said]).toEqual([headers, 404, unknown.text])
  }
})

test('a relayed dial reaches the agents of that replica and no others', async () => {
  verifies('replicas:relay:once')
  const key = await keyOfDeployment()
  const [here, there] = servers() as [Plain, Plain]
  const place = await connectedAt(there)
  const relayAt = async (server: Plain) => {
    const { id: to, relay_url } = await rowOf(server)
    const ends = { key, from: randomUUID(), to, now: first.clock.now().getTime() }
    const tunnel = dialTunnel(networkStream(await connectRelay(relay_url, ends, { timeoutMs: 10_000 })))
    onTestFinished(() => tunnel.close())
    return tunnel
  }
  const stream = await (await relayAt(there)).dial(`${place.id}/ssh`)
  stream.end('direct')
  expect(await text(stream)).toBe('direct')
  const relay = await relayAt(here)
  await expect(relay.dial(`${place.id}/ssh`)).rejects.toMatchObject({ status: 421 })
  for (const target of ['ssh', `${place.id}/unknown`]) await expect(relay.dial(target)).rejects.toMatchObject({ status: 404 })
})

test('an agent whose replica has died is refused at once, and reached when it is back', async () => {
  verifies('replicas:dial:dead')
  const place = await connectedAt(first)
  const dead = randomUUID()
  await runSql(
    first,
    `insert into replicas (id, relay_url, lock_number, version, started_at, updated_at) values ($1, 'http://127.0.0.1:9', 1, 'v0', now(), now())`,
    [dead],
  )
  // The heartbeat of a server corrects only agents that are nowhere.
  await runSql(first, 'update workspace_agents set connected_replica_id = $2 where id = $1', [place.id, dead])
  const client = await clientAt(servers()[1] as Plain, place)
  await expect(client.dial('ssh')).rejects.toMatchObject({
    status: 428,
    message:
      'The replica of the server that the agent was connected to has stopped. The agent connects to another one within seconds. Try again.',
  })
  const back = await connectAgent(servers()[2] as Plain, place.token, play)
  onTestFinished(async () => await back.close())
  const stream = await eventually(async () => await client.dial('ssh').catch(() => undefined))
  stream.end('back')
  expect(await text(stream)).toBe('back')
})

test('a replica that cannot be reached is named, and so is one that does not say how', async () => {
  const place = await connectedAt(first)
  // The others may have a connection that still works.
  const asker = await startAnotherServer(first)
  onTestFinished(async () => await asker.stop())
  const client = await clientAt(asker, place)
  const { id } = await rowOf(first)
  const setUrl = async (url: string | null): Promise<void> =>
    void (await runSql(first, 'update replicas set relay_url = $2 where id = $1', [id, url]))
  onTestFinished(async () => await setUrl(first.url))
  const stranger = createTcpServer((socket) => void socket.end('HTTP/1.1 101 Fine\r\nConnection: Upgrade\r\nUpgrade: berth-relay\r\n\r\n'))
  stranger.listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  onTestFinished(() => void stranger.close())
  for (const url of ['http://127.0.0.1:9', asker.url, `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`]) {
    await setUrl(url)
    await expect(client.dial('ssh'), url).rejects.toMatchObject({
      status: 428,
      message: `The agent is connected to another replica of the server (${id}), which cannot be reached from this one. An administrator can check its BERTH_RELAY_URL.`,
    })
  }
  await setUrl(null)
  await expect(client.dial('ssh')).rejects.toMatchObject({
    status: 428,
    message: `Agent state is "connected" to another replica of the server (${id}), it must be in the "connected" state to this one. If BERTH_RELAY_URL is set on every replica, any of them reaches the agent.`,
  })
})
