import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { createMember, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const RESERVED = ['me', 'Me', 'ME', '0', '42', '00000000000000000000000000000000', 'c0ffee00c0ffee00c0ffee00c0ffee00']
const INVISIBLE = [0x200b, 0x200d, 0x2060, 0xfeff, 0xad, 0x202e, 0xa0, 0x85, 0x3164].map((code) => String.fromCodePoint(code))

async function create(fields: object): Promise<{ status: number; json: unknown }> {
  const username = uniqueName('user')
  const body = {
    email: `${username}@example.com`,
    username,
    password: 'testpass',
    organization_id: server.firstUser.organization_id,
    ...fields,
  }
  return await callApi(server, 'POST /users', { body })
}

const refused = (field: string) => ({
  status: 400,
  json: { message: 'Validation failed.', validations: [{ field, detail: expect.any(String) as string }] },
})

describe('a username that a path or a search takes for something else', () => {
  test.each(RESERVED)('%j is refused for a new user and for a new name', async (username) => {
    verifies('users:reserved-names')
    expect(await create({ username })).toMatchObject(refused('username'))
    const member = await createMember(server)
    expect(await callApi(server, `PUT /users/${member.id}/profile`, { body: { username } })).toMatchObject(refused('username'))
    expect(await server.client.users.get({ params: { user: member.id } })).toMatchObject({ username: member.username })
  })

  test.each(['me2', 'm-e', '4-2', 'c0ffee'])('%j is not one', async (username) => {
    verifies('users:reserved-names')
    expect((await create({ username })).status).toBe(201)
  })

  test('somebody who has one already keeps it, and keeps it when the profile is saved', async () => {
    verifies('users:reserved-names')
    const member = await createMember(server)
    await runSql(server, `update users set username = '4711' where id = $1`, [member.id])
    const { status, json } = await callApi(server, `PUT /users/${member.id}/profile`, { body: { username: '4711' } })
    expect([status, json.username]).toEqual([200, '4711'])
    expect(await member.client.users.get({ params: { user: 'me' } })).toMatchObject({ username: '4711' })
  })
})

describe('an address with characters that nobody sees', () => {
  test.each(INVISIBLE.map((character) => [(character.codePointAt(0) ?? 0).toString(16), character]))(
    'such as U+%s is refused for a new user',
    async (_code, character) => {
      verifies('users:visible-addresses')
      for (const email of [`a${character}da@example.com`, `ada@exam${character}ple.com`, `"a${character}da"@example.com`])
        expect(await create({ email })).toMatchObject(refused('email'))
    },
  )

  test('a control character in a quoted part is refused too, a space in it is not', async () => {
    verifies('users:visible-addresses')
    expect(await create({ email: '"a\u0007da"@example.com' })).toMatchObject(refused('email'))
    expect((await create({ email: `"a da ${uniqueName()}"@example.com` })).status).toBe(201)
  })

  test('somebody who has one already signs in with it', async () => {
    verifies('users:visible-addresses')
    const member = await createMember(server)
    const email = `a\u200bda-${uniqueName()}@example.com`
    await runSql(server, 'update users set email = $2 where id = $1', [member.id, email])
    const { session_token } = await server.clientFor().sessions.login({ body: { email, password: 'testpass' } })
    expect(session_token).toMatch(/-/)
  })
})
