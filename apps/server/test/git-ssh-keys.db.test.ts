import { createPrivateKey, createPublicKey } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isSealed } from '../src/secrets/secret-box.ts'
import { createMember } from './factories.ts'
import { createAgent } from './fake-agent.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const me = { params: { user: 'me' } }

test('everybody has a key of the default kind, made once however many ask at once', async () => {
  verifies('git-ssh-key')
  const { client, id } = await createMember(server)
  server.clock.advance(60_000)
  const keys = await Promise.all(Array.from({ length: 5 }, async () => await client.gitSshKeys.get(me)))
  for (const key of keys) expect(key).toEqual(keys[0])
  expect(keys[0]).toMatchObject({ user_id: id, public_key: expect.stringMatching(/^ssh-ed25519 [A-Za-z0-9+/]{68}\n$/) as string })
  // It says that it came with its user.
  const { created_at } = await client.users.get(me)
  expect([keys[0]?.created_at, keys[0]?.updated_at]).toEqual([created_at, created_at])
  expect(keys[0]).not.toHaveProperty('private_key')
})

test('a key is replaced: when it was made stays, what and when it changed does not; one entry of the audit log tells of it', async () => {
  verifies('git-ssh-key', 'berth:records:who-when-where')
  const { client, id } = await createMember(server)
  const before = await client.gitSshKeys.get(me)
  server.clock.advance(1000)
  const after = await client.gitSshKeys.regenerate(me)
  expect(after).toMatchObject({ user_id: id, created_at: before.created_at })
  expect(after.public_key).not.toBe(before.public_key)
  expect(Date.parse(after.updated_at)).toBeGreaterThan(Date.parse(before.updated_at))
  expect(await client.gitSshKeys.get(me)).toEqual(after)
  const entries = await runSql(
    server,
    `select user_id, action, diff from audit_logs where resource_type = 'git_ssh_key' and resource_id = $1`,
    [id],
  )
  expect(entries).toEqual([
    {
      user_id: id,
      action: 'write',
      diff: {
        public_key: { old: before.public_key, new: after.public_key, secret: false },
        sealed_private_key: { old: '', new: '', secret: true },
      },
    },
  ])
})

test('one member does not see the key of another', async () => {
  const { username } = await createMember(server)
  const { client } = await createMember(server)
  for (const call of [client.gitSshKeys.get, client.gitSshKeys.regenerate])
    await expect(call({ params: { user: username } })).rejects.toMatchObject({ status: 404 })
})

test("an agent reads both halves of its owner's key, also after it was replaced; the private one is sealed in the database", async () => {
  verifies('agents:git-ssh-key', 'berth:secrets:at-rest')
  const { client } = await createAgent(server)
  const first = await client.gitSshKeys.getOfAgent()
  expect(first.public_key).toBe((await server.client.gitSshKeys.get(me)).public_key)
  expect(first.private_key).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/)
  const { public_key } = await server.client.gitSshKeys.regenerate(me)
  const second = await client.gitSshKeys.getOfAgent()
  expect(second.public_key).toBe(public_key)
  expect(second.private_key).not.toBe(first.private_key)
  const rows = await runSql(server, 'select sealed_private_key as sealed from gitsshkeys')
  expect(rows.length).toBeGreaterThan(0)
  for (const { sealed } of rows) expect(Buffer.isBuffer(sealed) && isSealed(sealed) && !sealed.includes('PRIVATE')).toBe(true)
})

test.each([
  ['ecdsa', /^ecdsa-sha2-nistp256 \S+\n$/, 'EC PRIVATE KEY'],
  ['rsa4096', /^ssh-rsa \S{700,}\n$/, 'RSA PRIVATE KEY'],
] as const)('with the setting %s keys are of that kind, and both halves belong together', async (sshKeygenAlgorithm, line, header) => {
  verifies('git-ssh-key')
  const other = await startAnotherServer(server, { config: { sshKeygenAlgorithm } })
  try {
    const { client } = await createAgent(server)
    const user = await other.client.gitSshKeys.regenerate(me)
    expect(user.public_key).toMatch(line)
    const { private_key } = await client.gitSshKeys.getOfAgent()
    expect(private_key.startsWith(`-----BEGIN ${header}-----\n`)).toBe(true)
    // The number that makes the key is in both halves.
    const { x, n } = createPublicKey(createPrivateKey(private_key)).export({ format: 'jwk' })
    const blob = Buffer.from(user.public_key.split(' ')[1] ?? '', 'base64')
    expect(blob.includes(Buffer.from(x ?? n ?? '', 'base64url'))).toBe(true)
  } finally {
    await other.stop()
  }
})
