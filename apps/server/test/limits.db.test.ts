import { randomBytes } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember, createTemplate } from './factories.ts'
import { createAgent } from './fake-agent.ts'
import { rawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const MIB = 1024 * 1024

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { fileQuota: { files: 3, bytes: MIB } } })
})
afterAll(async () => await server.stop())

async function refusal(line: string, body: unknown, token: string): Promise<unknown> {
  const { status, json } = await rawRequest(server.url, line, { token, body: JSON.stringify(body) })
  return [status, json]
}

const detail = (text: string): unknown => [400, { message: 'Validation failed.', validations: [expect.objectContaining({ detail: text })] }]

test('a report of an agent that is too large is refused, with the field and the limit', async () => {
  verifies('limits:fields')
  const { token } = await createAgent(server)
  const stats = 'POST /workspaceagents/me/report-stats'
  const manyKinds = Object.fromEntries(Array.from({ length: 20_000 }, (_, kind) => [`kind ${kind}`, 1]))
  expect(await refusal('POST /workspaceagents/me/version', { version: `v${'1'.repeat(100_000)}` }, token)).toEqual(
    detail(`Validation failed for tag "max" with value: "v${'1'.repeat(255)}…": at most 1024 characters are accepted`),
  )
  expect(await refusal(stats, { conns_by_proto: manyKinds }, token)).toEqual(
    detail('Validation failed for tag "max" with value: "20000 entries": at most 1000 are accepted'),
  )
  expect(await refusal(stats, { conns_by_proto: { ['x'.repeat(1_000_000)]: 1 } }, token)).toEqual(
    detail(`Validation failed for tag "max" with value: "${'x'.repeat(256)}…": at most 1024 characters are accepted`),
  )
  expect(await refusal(stats, { rx_bytes: -1 }, token)).toEqual(
    detail('Validation failed for tag "min" with value: "-1": the smallest value is 0'),
  )
  expect(await refusal(stats, { conns_by_proto: { ssh: 2e15 } }, token)).toEqual(
    detail('Validation failed for tag "max" with value: "2000000000000000": the largest value is 1000000000000000'),
  )
  const { status } = await rawRequest(server.url, stats, { token, body: JSON.stringify({ conns_by_proto: { ssh: 3 }, rx_bytes: 1e12 }) })
  expect(status).toBe(200)
})

test('what a member sends too much of is refused below the top level too', async () => {
  verifies('limits:fields')
  const { token } = await createMember(server)
  const object = { resource_type: 'workspace', owner_id: 'y'.repeat(2_000) }
  expect(await refusal('POST /authcheck', { checks: { mine: { object, action: 'read' } } }, token)).toEqual([
    400,
    {
      message: 'Validation failed.',
      validations: [
        {
          field: 'checks.mine.object.owner_id',
          detail: `Validation failed for tag "max" with value: "${'y'.repeat(256)}…": at most 1024 characters are accepted`,
        },
      ],
    },
  ])
  const { status, json } = await rawRequest(server.url, `GET /workspaces?q=${'z'.repeat(9_000)}`, { token })
  expect([status, json]).toMatchObject([
    400,
    { validations: [{ field: 'q', detail: 'Query param "q" must have at most 8192 characters' }] },
  ])
})

async function upload(data: Buffer, token: string): Promise<[status: number, json: unknown]> {
  const { status, json } = await rawRequest(server.url, 'POST /files', {
    token,
    headers: { 'Content-Type': 'application/x-tar' },
    body: data,
  })
  return [status, json]
}

const quotaExceeded = [
  403,
  {
    message:
      'You may have at most 3 files and 1 MiB of uploads that no template version uses. They are deleted 7 days after their last upload.',
  },
]

test('of many uploads at once only as many succeed as the quota allows, and each user has a quota', async () => {
  verifies('limits:file-quota')
  const { token } = await createMember(server)
  const answers = await Promise.all(Array.from({ length: 8 }, async () => await upload(randomBytes(10), token)))
  expect(answers.filter(([status]) => status === 201)).toHaveLength(3)
  expect(answers.filter(([status]) => status !== 201)).toEqual(Array.from({ length: 5 }, () => quotaExceeded))
  const other = await createMember(server)
  const data = randomBytes(MIB / 2 + 1)
  expect((await upload(data, other.token))[0]).toBe(201)
  expect(await upload(randomBytes(MIB / 2), other.token)).toEqual(quotaExceeded)
  expect((await upload(data, other.token))[0]).toBe(200)
  expect((await upload(randomBytes(MIB / 2 - 1), other.token))[0]).toBe(201)
})

test('files of template versions do not count', async () => {
  verifies('limits:file-quota')
  for (let round = 0; round < 5; round++) await createTemplate(server)
  expect((await upload(randomBytes(10), server.firstUser.token))[0]).toBe(201)
})
