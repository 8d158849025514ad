import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { wireArchitecture } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/*
 * A small program replaces the one that makes agent executables. The tests of the built agent show
 * that real executables run.
 */

const MAKER = `const { appendFileSync, existsSync, writeFileSync } = require('node:fs')
const [target] = process.argv.slice(2)
appendFileSync(__dirname + '/made', 'x')
if (existsSync(__dirname + '/broken')) throw new Error('cannot be made')
setTimeout(() => writeFileSync(target, JSON.stringify(process.env)), 50)
`
const OWN = `coder-linux-${wireArchitecture(process.arch)}`

let root: string
let server: TestServer
let agentDirectory: string
let given: string

const get = async (path: string, options: RawRequest = {}, of: TestServer = server): Promise<RawAnswer> =>
  await rawRequest(of.url, `GET /${path}`, options)
const timesMade = async (): Promise<number> => (await readFile(join(agentDirectory, 'made'), 'utf8').catch(() => '')).length

const made = async (): Promise<string[]> => (await readdir(given)).filter((name) => name.startsWith('.made-'))

async function startWith(cache: string): Promise<TestServer> {
  return await startTestServer({ config: { agentDirectory, cacheDirectory: join(root, cache) } })
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-binaries-'))
  agentDirectory = join(root, 'agent')
  await mkdir(agentDirectory)
  await writeFile(join(agentDirectory, 'make-binary.js'), MAKER)
  await writeFile(join(agentDirectory, 'binary.cjs'), 'the agent')
  given = join(root, 'cache', 'bin')
  await mkdir(join(given, 'folder'), { recursive: true })
  await writeFile(join(given, 'coder-windows-amd64.exe'), 'MZ of an administrator')
  await writeFile(join(given, 'coder-windows-amd64.exe.gz'), gzipSync('MZ of an administrator'))
  await writeFile(join(given, 'coder-darwin-arm64'), '0123456789')
  await writeFile(join(given, '.hidden'), 'hidden')
  await writeFile(join(root, 'cache', 'secret'), 'secret')
  server = await startWith('cache')
})
afterAll(async () => {
  await server.stop()
  await rm(root, { recursive: true, force: true })
})

test('the folder is listed for everyone', async () => {
  verifies('deployment:agent-binaries')
  const { status, headers, text } = await get('/bin/')
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  const names = [...text.matchAll(/<a href="\.\/([^"]+)">\1<\/a>/g)].map(([, name]) => name)
  expect(names).toEqual(['coder-darwin-arm64', OWN, 'coder-windows-amd64.exe'])
  const bare = await get('/bin')
  expect([bare.status, bare.headers['location']]).toEqual([301, '/bin/'])
})

test('a file that an administrator put there is served, whole, in part and compressed', async () => {
  verifies('deployment:agent-binaries')
  const plain = await get('/bin/coder-windows-amd64.exe')
  expect([plain.status, plain.text]).toEqual([200, 'MZ of an administrator'])
  expect(plain.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': '22' })
  const fetched = await fetch(`${server.url}/bin/coder-windows-amd64.exe`, { headers: { 'Accept-Encoding': 'gzip' } })
  expect([fetched.headers.get('content-encoding'), await fetched.text()]).toEqual(['gzip', 'MZ of an administrator'])
  const part = await get('/bin/coder-darwin-arm64', { headers: { Range: 'bytes=3-5' } })
  expect([part.status, part.text]).toEqual([206, '345'])
  const head = await rawRequest(server.url, 'HEAD //bin/coder-darwin-arm64')
  expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '10', ''])
  const again = await get('/bin/coder-darwin-arm64', { headers: { 'If-Modified-Since': String(head.headers['last-modified']) } })
  expect(again.status).toBe(304)
})

test.each([
  'coder-plan9-amd64',
  '.hidden',
  'folder',
  'folder/x',
  '../secret',
  '..%2fsecret',
  '%2e%2e%2fsecret',
  'coder-windows-amd64.exe.gz',
  'coder-windows-amd64.exe%00',
])('what is not there is 404 as text: %s', async (name) => {
  verifies('deployment:agent-binaries')
  const { status, headers, text } = await get(`/bin/${name}`)
  expect([status, headers['content-type'], text]).toEqual([404, 'text/plain; charset=utf-8', '404 page not found\n'])
})

test('the agent for machines like this one is built once, on first request, and reused by the next server', async () => {
  verifies('deployment:agent-binaries')
  expect(await timesMade()).toBe(0)
  const answers = await Promise.all(Array.from({ length: 5 }, async () => await get(`/bin/${OWN}`)))
  // It is made with nothing of the server's environment.
  expect(answers.map(({ status, json }) => [status, json])).toEqual(answers.map(() => [200, {}]))
  expect(await timesMade()).toBe(1)
  await server.stop()
  server = await startWith('cache')
  expect((await get(`/bin/${OWN}`)).status).toBe(200)
  expect(await timesMade()).toBe(1)
  await server.stop()
  await writeFile(join(agentDirectory, 'binary.cjs'), 'a newer agent')
  server = await startWith('cache')
  expect((await get(`/bin/${OWN}`)).status).toBe(200)
  expect(await timesMade()).toBe(2)
})

test('executables of earlier agents are deleted after a day, as another server may still serve them', async () => {
  const earlier = await made()
  expect(earlier).toHaveLength(2)
  await server.stop()
  await writeFile(join(agentDirectory, 'binary.cjs'), 'the newest agent')
  server = await startWith('cache')
  server.clock.advance(2 * 86_400_000)
  expect((await get(`/bin/${OWN}`)).status).toBe(200)
  const [only, ...others] = await made()
  expect([others, earlier.includes(only ?? '')]).toEqual([[], false])
})

test("an agent that cannot be built is not tried again on each request, and an administrator's file comes first", async () => {
  verifies('deployment:agent-binaries')
  await writeFile(join(agentDirectory, 'broken'), '')
  const other = await startWith('other')
  try {
    const before = await timesMade()
    for (let ask = 0; ask < 3; ask++) expect((await get(`/bin/${OWN}`, {}, other)).status).toBe(404)
    expect(await timesMade()).toBe(before + 1)
    expect((await get('/bin/', {}, other)).text).not.toContain(OWN)
    await mkdir(join(root, 'other', 'bin'), { recursive: true })
    await writeFile(join(root, 'other', 'bin', OWN), 'put here')
    expect((await get(`/bin/${OWN}`, {}, other)).text).toBe('put here')
  } finally {
    await other.stop()
  }
})
