import { randomBytes, randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember } from './factories.ts'
import { rawRequest, type RawAnswer } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

async function upload(body: Uint8Array, { type = 'application/x-tar', token = server.firstUser.token } = {}): Promise<RawAnswer> {
  return await rawRequest(server.url, 'POST /files', { token, headers: { 'Content-Type': type }, body })
}

test('the same bytes are 201 the first time and 200 with the same id afterwards', async () => {
  verifies('files:upload')
  const bytes = Buffer.alloc(1024)
  const first = await upload(bytes)
  const second = await upload(bytes)
  expect([first.status, second.status]).toEqual([201, 200])
  expect(second.json).toEqual(first.json)
})

test('the same bytes from two users are two files, and of many uploads at once one is new', async () => {
  const bytes = randomBytes(100)
  const member = await createMember(server)
  const answers = await Promise.all(Array.from({ length: 8 }, async () => await upload(bytes)))
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([...Array.from({ length: 7 }, () => 200), 201])
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  const own = await upload(bytes, { token: member.token })
  expect(own.status).toBe(201)
  expect(own.text).not.toBe(answers[0]?.text)
})

test('another content type is 400 and quoted', async () => {
  verifies('files:upload')
  for (const type of ['bad', 'application/x-tar; charset=utf-8', 'APPLICATION/X-TAR']) {
    const { status, json } = await upload(Buffer.alloc(10), { type })
    expect([status, json]).toMatchObject([400, { message: `Unsupported content type header "${type}".` }])
  }
})

test('a file is read byte for byte with its content type, by its owner', async () => {
  verifies('files:download')
  const bytes = randomBytes(300_000)
  const { json } = await upload(bytes)
  const { hash } = json as { hash: string }
  const answer = await fetch(`${server.url}/api/v2/files/${hash}`, { headers: { 'Coder-Session-Token': server.firstUser.token } })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-tar'])
  expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes)).toBe(0)
})

test("another member's file, an unknown one and a bad id are not found or refused", async () => {
  verifies('files:download')
  const member = await createMember(server)
  const { json } = await upload(randomBytes(10))
  const { hash } = json as { hash: string }
  expect((await rawRequest(server.url, `GET /files/${hash}`, { token: member.token })).status).toBe(404)
  expect((await rawRequest(server.url, `GET /files/${randomUUID()}`, { token: server.firstUser.token })).status).toBe(404)
  expect((await rawRequest(server.url, 'GET /files/x', { token: server.firstUser.token })).status).toBe(400)
})

test('an empty file is a file', async () => {
  expect((await upload(Buffer.alloc(0))).status).toBe(201)
})
