import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig, type Config } from '../src/settings/config.ts'
import { createServer, type BerthServer } from '../src/create-server.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { rawRequest } from './raw-request.ts'
import { testConfig } from './start-test-server.ts'

const path = (name: string): string => fileURLToPath(new URL(`./certificates/${name}`, import.meta.url))
const pem = (name: string): Buffer => readFileSync(path(name))
const ONE = { certFile: path('one.crt'), keyFile: path('one.key') }
const TWO = { certFile: path('two.crt'), keyFile: path('two.key') }
const TLS: NonNullable<Config['tls']> = {
  host: '127.0.0.1',
  port: 0,
  setting: 'BERTH_TLS_ADDRESS',
  certificates: [ONE, TWO],
  minVersion: 'tls12',
  clientAuth: 'none',
  clientCaFile: undefined,
}

let server: BerthServer | undefined
let database: TestDatabase
let directory: string
beforeEach(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'berth-tls-'))
})
afterEach(async () => {
  await server?.stop()
  server = undefined
  await database.drop()
  await rm(directory, { recursive: true, force: true })
})

async function start(overrides: Partial<Config>): Promise<BerthServer> {
  server = await createServer(testConfig({ directory, databaseUrl: database.url, overrides }), {
    logger: pino({ level: 'silent' }),
    drivers: [],
  })
  return server
}

/** The address of the HTTPS listener. */
async function startTls(tls: Partial<Config['tls']> = {}): Promise<URL> {
  const { url } = await start({ tls: { ...TLS, ...tls } })
  return new URL(url)
}

async function ask(url: URL, options: RequestOptions = {}): Promise<{ status: number; text: string }> {
  return await new Promise((resolve, reject) => {
    const request = get(url, { rejectUnauthorized: false, ...options }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject)
  })
}

async function shownCertificate(url: URL, servername: string): Promise<string> {
  const socket = connect({ host: url.hostname, port: Number(url.port), servername, rejectUnauthorized: false })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

test('over TLS the server answers as over HTTP, with the certificate that fits the name asked for', async () => {
  verifies('tls:listener')
  const url = await startTls()
  expect(url.protocol).toBe('https:')
  expect(await ask(new URL('/healthz', url))).toEqual({ status: 200, text: 'OK' })
  expect(await shownCertificate(url, 'one.example')).toBe('one.example')
  expect(await shownCertificate(url, 'two.example')).toBe('two.example')
  expect(await shownCertificate(url, 'unknown.example')).toBe('one.example')
})

test('a version that is too old is not spoken', async () => {
  verifies('tls:listener')
  const url = await startTls({ minVersion: 'tls13' })
  await expect(ask(new URL('/healthz', url), { maxVersion: 'TLSv1.2' })).rejects.toThrow()
  expect((await ask(new URL('/healthz', url))).status).toBe(200)
})

test.each([
  ['tls10', 'TLSv1', true],
  ['tls10', 'TLSv1.1', true],
  ['tls10', 'TLSv1.3', true],
  ['tls11', 'TLSv1.1', true],
  ['tls11', 'TLSv1', false],
  ['tls12', 'TLSv1.1', false],
] as const)('with the least version %s a client that speaks %s alone is answered: %s', async (minVersion, version, isAnswered) => {
  verifies('tls:listener')
  const url = await startTls({ minVersion })
  const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0', servername: 'two.example' }
  const answer = ask(new URL('/healthz', url), old)
  if (isAnswered) expect(await answer).toEqual({ status: 200, text: 'OK' })
  else await expect(answer).rejects.toThrow(/alert|protocol version/)
})

test('without an address for plain HTTP, HTTPS listens alone', async () => {
  verifies('tls:alone')
  const { url, httpUrl, accessUrl } = await start({ http: undefined, tls: TLS })
  expect([httpUrl, accessUrl]).toEqual([undefined, url])
  expect(await ask(new URL('/healthz', url))).toEqual({ status: 200, text: 'OK' })
})

const client = { cert: pem('client.crt'), key: pem('client.key') }
const stranger = { cert: pem('two.crt'), key: pem('two.key') }
test.each([
  ['none', { without: true, known: true, unknown: true }],
  ['request', { without: true, known: true, unknown: true }],
  ['require-any', { without: false, known: true, unknown: true }],
  ['verify-if-given', { without: true, known: true, unknown: false }],
  ['require-and-verify', { without: false, known: true, unknown: false }],
] as const)('with client authentication %s the right clients are let in', async (clientAuth, isIn) => {
  verifies('tls:client-authentication')
  const url = new URL('/healthz', await startTls({ clientAuth, clientCaFile: path('ca.crt') }))
  const isAnswered = async (options: RequestOptions): Promise<boolean> =>
    await ask(url, options).then(
      ({ status }) => status === 200,
      () => false,
    )
  expect({ without: await isAnswered({}), known: await isAnswered(client), unknown: await isAnswered(stranger) }).toEqual(isIn)
})

test('who comes over HTTP is sent to the access URL, with path and query, unless it is by the address of the machine', async () => {
  verifies('tls:redirect')
  const { httpUrl: http = '' } = await start({ tls: TLS, accessUrl: 'https://berth.example', tlsRedirectHttp: true })
  const sent = await rawRequest(http, 'GET /buildinfo?x=1', { headers: { Host: 'berth.example' } })
  expect(sent.status).toBe(307)
  expect(sent.headers.location).toBe('https://berth.example/api/v2/buildinfo?x=1')
  expect((await rawRequest(http, 'GET //healthz')).status).toBe(200)
})

const read = (environment: Record<string, string>): Config =>
  readConfig({ arguments: [], environment, userId: undefined, homeDirectory: '/home/x', agentDirectory: '/agent' })
test.each([
  [{ BERTH_TLS_ENABLE: 'true' }, /BERTH_TLS_CERT_FILE/],
  [{ BERTH_TLS_ENABLE: 'true', BERTH_TLS_CERT_FILE: 'a b', BERTH_TLS_KEY_FILE: 'c' }, /BERTH_TLS_KEY_FILE/],
  [
    { BERTH_TLS_ENABLE: 'true', BERTH_TLS_CERT_FILE: 'a', BERTH_TLS_KEY_FILE: 'c', BERTH_TLS_CLIENT_AUTH: 'require-and-verify' },
    /BERTH_TLS_CLIENT_CA_FILE/,
  ],
  [{ BERTH_TLS_MIN_VERSION: 'ssl3' }, /BERTH_TLS_MIN_VERSION/],
])('settings that do not go together are refused: %j', (environment, text) => {
  verifies('tls:settings')
  expect(() => read(environment as Record<string, string>)).toThrow(text)
})

test('a file that is missing or no certificate is named', async () => {
  verifies('tls:settings')
  await expect(startTls({ certificates: [{ certFile: '/nowhere.crt', keyFile: ONE.keyFile }] })).rejects.toThrow('/nowhere.crt')
  await expect(startTls({ certificates: [{ certFile: ONE.certFile, keyFile: TWO.keyFile }] })).rejects.toThrow(ONE.certFile)
})

test('a file of authorities that holds no certificate, or one that cannot be read, is named in one line', async () => {
  verifies('tls:settings')
  const clientCaFile = join(directory, 'authorities.pem')
  const broken = pem('ca.crt')
    .toString()
    .replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')
  for (const [content, reason] of [
    ['not PEM', 'holds no certificate'],
    ['', 'holds no certificate'],
    [pem('one.key').toString(), 'holds no certificate'],
    [`${pem('ca.crt').toString()}\n${broken}`, 'certificate 2'],
  ] as const) {
    await writeFile(clientCaFile, content)
    const message = await startTls({ clientCaFile }).then(
      () => 'it started',
      (error: Error) => error.message,
    )
    expect(message).toMatch(/^BERTH_TLS_CLIENT_CA_FILE: .*$/)
    expect(message).toContain(clientCaFile)
    expect(message).toContain(reason)
  }
  await writeFile(clientCaFile, `An authority:\n${pem('ca.crt').toString()}`)
  expect((await startTls({ clientCaFile })).protocol).toBe('https:')
})
