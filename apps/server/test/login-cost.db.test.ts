import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { createMember } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/** What was derived from passwords: how often, how many bytes, with what. */
const derived: unknown[] = []
const { pbkdf2 } = crypto

/** Counts the work of whoever imports pbkdf2, whenever they did. */
function countDerivations(): void {
  crypto.pbkdf2 = (password, salt, iterations, keyBytes, digest, callback) => {
    derived.push({ saltBytes: Buffer.from(salt as Buffer).length, iterations, keyBytes, digest }) // the server passes a buffer
    pbkdf2(password, salt, iterations, keyBytes, digest, callback)
  }
  syncBuiltinESMExports()
}

let server: TestServer
beforeAll(async () => {
  countDerivations()
  server = await startTestServer()
})
afterAll(async () => {
  crypto.pbkdf2 = pbkdf2
  syncBuiltinESMExports()
  await server.stop()
})

/** What a login that fails costs, and what it says. */
async function refusal(email: string, password: string): Promise<unknown> {
  derived.length = 0
  const { status, text } = await callApi(server, 'POST /users/login', { token: null, body: { email, password } })
  return { status, text, work: [...derived] }
}

test('a login with an unknown address does the same work as one with a wrong password, whoever it is for', async () => {
  verifies('rulings:login-time', 'rulings:login-tells-nothing')
  const [active, suspended, deleted, elsewhere] = [
    await createMember(server),
    await createMember(server),
    await createMember(server),
    await createMember(server),
  ]
  await server.client.users.suspend({ params: { user: suspended.id } })
  await server.client.users.delete({ params: { user: deleted.id } })
  await runSql(server, `update users set login_type = 'oidc', hashed_password = '' where id = $1`, [elsewhere.id])
  const wrong = await refusal(`${active.username}@example.com`, 'wrong')
  expect(wrong).toEqual({
    status: 401,
    text: '{"message":"Incorrect email or password."}\n',
    work: [{ saltBytes: 16, iterations: 65_535, keyBytes: 64, digest: 'sha256' }],
  })
  for (const username of ['nobody', suspended.username, deleted.username, elsewhere.username])
    expect(await refusal(`${username}@example.com`, 'wrong')).toEqual(wrong)
})
