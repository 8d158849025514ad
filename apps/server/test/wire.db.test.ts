import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildEnded, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const NOT_FOUND = { message: 'Resource not found or you do not have access to this resource' }
const NIL = '00000000-0000-0000-0000-000000000000'

let server: TestServer
let workspace: Workspace
let organization: string
beforeAll(async () => {
  server = await startTestServer()
  organization = server.firstUser.organization_id
  workspace = await createWorkspace(server, await createTemplate(server))
  await buildEnded(server.client, workspace.latest_build.id)
})
afterAll(async () => await server.stop())

/** As the first user. */
async function send(line: string, request: RawRequest = {}): Promise<RawAnswer> {
  return await rawRequest(server.url, line, { token: server.firstUser.token, ...request })
}

async function anonymous(line: string, request: RawRequest = {}): Promise<RawAnswer> {
  return await rawRequest(server.url, line, request)
}

describe('headers', () => {
  const requests = ['GET /buildinfo', 'GET /users/me', 'GET /nothing', 'DELETE /buildinfo', 'GET //healthz', 'GET //'] as const

  test('every response has a fresh request id and the version', async () => {
    verifies('wire:headers:request-id', 'wire:headers:build-version')
    const { version } = await server.client.deployment.buildInfo()
    const answers = await Promise.all(requests.map(async (line) => await anonymous(line)))
    for (const { headers } of answers) {
      expect(headers['x-coder-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(headers['x-coder-build-version']).toBe(version)
    }
    expect(new Set(answers.map(({ headers }) => headers['x-coder-request-id'])).size).toBe(requests.length)
  })

  test('a request without a CSRF cookie is given one, a request with one is not, and all vary by cookie', async () => {
    verifies('wire:headers:csrf-cookie')
    for (const line of requests) {
      const { headers } = await anonymous(line)
      expect(headers.vary).toBe('Cookie')
      expect(headers['set-cookie']).toHaveLength(1)
      expect(headers['set-cookie']?.[0]).toMatch(/^csrf_token=[A-Za-z0-9+/]{43}=; Path=\/; HttpOnly; SameSite=Lax$/)
    }
    const [given = ''] = (await anonymous('GET /buildinfo')).headers['set-cookie'] ?? []
    const again = await anonymous('GET /buildinfo', { headers: { Cookie: given.split(';')[0] } })
    expect(again.headers['set-cookie']).toBeUndefined()
    const broken = await anonymous('GET /buildinfo', { headers: { Cookie: 'csrf_token=short' } })
    expect(broken.headers['set-cookie']).toHaveLength(1)
  })
})

describe('answers', () => {
  test('a failure is an envelope that leaves out what it has nothing to say in', async () => {
    verifies('wire:envelope')
    expect((await send(`GET /workspaces/${randomUUID()}`)).json).toEqual(NOT_FOUND)
    expect((await send('GET /workspaces/x')).json).toEqual({ message: 'Invalid UUID "workspace".', detail: 'invalid UUID length: 1' })
    expect((await send('GET /users?limit=x')).json).toEqual({
      message: 'Query parameters have invalid values.',
      validations: [
        { field: 'limit', detail: 'Query param "limit" must be a valid integer (strconv.ParseInt: parsing "x": invalid syntax)' },
      ],
    })
  })

  test('an answer is one compact document and a newline', async () => {
    verifies('wire:output:document')
    for (const line of ['GET /users/me', `GET /workspaces/${workspace.id}`, 'GET /nothing', `GET /workspaces/${randomUUID()}`]) {
      const { headers, text, json } = await send(line)
      expect(headers['content-type']).toBe('application/json; charset=utf-8')
      expect(text).toBe(`${JSON.stringify(json)}\n`)
    }
  })

  test('what would break out of a page or a script is escaped', async () => {
    verifies('wire:output:escapes')
    const { text, json } = await send('POST /users', {
      body: { username: uniqueName(), email: '<a&b>\u2028', password: 'x', organization_id: organization },
    })
    expect(text).toContain(String.raw`\"\u003ca\u0026b\u003e\u2028\"`)
    expect(text).not.toMatch(/[<>&\u2028\u2029]/)
    expect(json).toMatchObject({ validations: [{ detail: 'Validation failed for tag "email" with value: "<a&b>\u2028"' }] })
  })

  test('204 has no body', async () => {
    verifies('wire:output:no-content')
    const { status, text, headers } = await send(`PUT /workspaces/${workspace.id}/ttl`, { body: { ttl_ms: 3_600_000 } })
    expect([status, text, headers['content-length']]).toEqual([204, '', undefined])
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
  })

  test('times are UTC with at most six digits and no trailing zeros; what never happened is the zero time', async () => {
    verifies('wire:output:times')
    const { text } = await send(`GET /workspaces/${workspace.id}`)
    const times = [...text.matchAll(/"\w+_at":"([^"]*)"/g)].map(([, time]) => time)
    expect(times.length).toBeGreaterThan(4)
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,5}[1-9])?Z$/)
    expect(JSON.parse(text)).toMatchObject({ last_used_at: '0001-01-01T00:00:00Z' })
  })

  test('UUIDs are lower-case and hyphenated, however they were asked for', async () => {
    verifies('wire:output:uuids', 'wire:input:uuid-spellings')
    const { id } = workspace
    for (const spelling of [id, id.toUpperCase(), id.replaceAll('-', ''), `urn:uuid:${id}`, `URN:UUID:${id}`, `%7B${id}%7D`]) {
      expect((await send(`GET /workspaces/${spelling}`)).json).toMatchObject({ id })
    }
    const { json } = await send(`GET /organizations/${organization}/templates`)
    expect(json).toMatchObject([{ organization_id: organization, created_by_id: server.firstUser.user_id }])
  })
})

/** Creates a workspace from a body that is text; its name shows which value was taken. */
async function createFrom(body: string, headers: RawRequest['headers'] = {}): Promise<RawAnswer> {
  return await send(`POST /organizations/${organization}/members/me/workspaces`, { body, headers })
}

describe('bodies', () => {
  test('only the first value is read, whatever follows and whatever the content type says', async () => {
    verifies('wire:input:first-value', 'wire:input:content-type-ignored')
    const [first, second] = [uniqueName(), uniqueName()]
    const { status, json } = await createFrom(
      ` {"template_id":"${workspace.template_id}","name":"${first}"} {"name":"${second}"} trailing garbage ]`,
      {
        'Content-Type': 'image/png',
      },
    )
    expect(status).toBe(201)
    expect(json).toMatchObject({ name: first })
  })

  test('names match in any case, the last of several wins, unknown ones are ignored', async () => {
    verifies('wire:input:names-any-case')
    const name = uniqueName()
    const { status, json } = await createFrom(
      `{"Template_ID":"${workspace.template_id}","name":"x","NAME":"${name}","nonsense":{"deep":[1]}}`,
    )
    expect(status).toBe(201)
    expect(json).toMatchObject({ name })
  })

  test('null is the same as absent, and a body of null as an empty object', async () => {
    verifies('wire:input:null')
    const { status, json } = await createFrom(
      `{"template_id":"${workspace.template_id}","name":"${uniqueName()}","ttl_ms":null,"autostart_schedule":null}`,
    )
    expect(status).toBe(201)
    expect(json).not.toHaveProperty('autostart_schedule', 'null')
    const [ofNull, ofObject] = [await createFrom('null'), await createFrom('{}')]
    expect(ofNull.status).toBe(400)
    expect(ofNull.json).toEqual(ofObject.json)
    expect(ofNull.json).toMatchObject({ message: 'Validation failed.' })
  })

  test.each([
    ['', 'EOF'],
    [' \n', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"name":', 'unexpected EOF'],
    ['nul', 'unexpected EOF'],
    ['{name:1}', "invalid character 'n' looking for beginning of object key string"],
    ['{"name":1}', 'json: cannot unmarshal number into field name of type string'],
    ['{"name":{}}', 'json: cannot unmarshal object into field name of type string'],
    ['[]', 'json: cannot unmarshal array into value of type struct'],
    ['"text"', 'json: cannot unmarshal string into value of type struct'],
    ['{"template_id":"abc"}', 'invalid UUID length: 3'],
    ['{"template_id":""}', 'invalid UUID length: 0'],
    ['{"parameter_values":{}}', 'json: cannot unmarshal object into field parameter_values of type slice'],
  ])('the body %j is refused with the reason', async (body, detail) => {
    verifies('wire:input:malformed', 'wire:input:uuid-spellings')
    const { status, json } = await createFrom(body)
    expect(status).toBe(400)
    expect(json).toEqual({ message: 'Request body must be valid JSON.', detail })
  })

  test.each(['1.5', '1.0', '1e3', '9223372036854775808', '-9223372036854775809', '"1"', 'true'])(
    'the number %s is refused for an integer field',
    async (number) => {
      verifies('wire:input:integers')
      const { status, json } = await send(`PUT /workspaces/${workspace.id}/ttl`, { body: `{"ttl_ms":${number}}` })
      expect(status).toBe(400)
      expect(json).toMatchObject({ message: 'Request body must be valid JSON.' })
      expect(json).not.toHaveProperty('validations')
    },
  )

  test.each([
    '2030-01-02 03:04:05Z',
    '2030-01-02t03:04:05Z',
    '2030-01-02T03:04:05z',
    '2030-01-02T03:04:05',
    '2030-02-30T03:04:05Z',
    '',
    'soon',
  ])('the time %j is refused', async (deadline) => {
    verifies('wire:input:times')
    const { status, json } = await send(`PUT /workspaces/${workspace.id}/extend`, { body: { deadline } })
    expect(status).toBe(400)
    expect(json).toMatchObject({ message: 'Request body must be valid JSON.' })
  })

  test('a time with an offset and a fraction is read', async () => {
    verifies('wire:input:times')
    // The zero time counts as missing, however it is spelled. Any other time goes on to the rules
    // for deadlines.
    const zero = await send(`PUT /workspaces/${workspace.id}/extend`, { body: { deadline: '0001-01-01T02:00:00+02:00' } })
    expect(zero.json).toEqual({
      message: 'Validation failed.',
      validations: [{ field: 'deadline', detail: 'Validation failed for tag "required" with value: "0001-01-01 00:00:00 +0000 UTC"' }],
    })
    const read = await send(`PUT /workspaces/${workspace.id}/extend`, { body: { deadline: '2020-01-02T03:04:05.123456789+05:30' } })
    expect(read.json).not.toMatchObject({ message: 'Request body must be valid JSON.' })
  })

  test('bytes are read as padded base64, with line breaks, or as an array of numbers', async () => {
    verifies('wire:input:bytes')
    const builds = `POST /workspaces/${workspace.id}/builds`
    for (const state of ['"aGk="', String.raw`"aG\r\nk="`, '[104,105]']) {
      const { status, json } = await send(builds, { body: `{"transition":"start","state":${state}}` })
      expect(status).toBe(201)
      await buildEnded(server.client, (json as { id: string }).id)
    }
    for (const state of ['"aGk"', '"a-k="', '[256]', '[1.5]', '7']) {
      const { status, json } = await send(builds, { body: `{"transition":"start","state":${state}}` })
      expect([status, json]).toMatchObject([400, { message: 'Request body must be valid JSON.' }])
    }
  })

  test('a NUL character in a text is refused, since no database takes it', async () => {
    const { status, json } = await createFrom(`{"template_id":"${workspace.template_id}","name":"a\\u0000b"}`)
    expect([status, json]).toMatchObject([400, { message: 'Request body must be valid JSON.' }])
  })

  test('names that mean something to JavaScript are names like any other', async () => {
    const { status } = await createFrom(`{"__proto__":{"name":"x"},"constructor":1,"toString":null}`)
    expect(status).toBe(400)
  })

  test('names that mean something to JavaScript are keys like any other', async () => {
    const check = '{"object":{"resource_type":"user"},"action":"read"}'
    const { status, text } = await send('POST /authcheck', { body: `{"checks":{"__proto__":${check},"constructor":${check}}}` })
    expect([status, text]).toEqual([200, '{"__proto__":true,"constructor":true}\n'])
  })

  test.each([
    ['arrays', '['.repeat(100_000)],
    ['objects', '{"a":'.repeat(20_000)],
    ['arrays in a field that nobody reads', `{"nonsense":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  ])('a body of thousands of nested %s is refused', async (_what, body) => {
    verifies('wire:input:malformed')
    const { status, json } = await createFrom(body)
    expect([status, json]).toMatchObject([400, { message: 'Request body must be valid JSON.' }])
  })

  test('a name that is repeated thousands of times costs nothing, and the last counts', async () => {
    verifies('wire:input:names-any-case')
    const name = uniqueName()
    const { status, json } = await createFrom(`{${'"name":"x",'.repeat(10_000)}"template_id":"${workspace.template_id}","NAME":"${name}"}`)
    expect([status, json]).toMatchObject([201, { name }])
  })
})

describe('validation', () => {
  test('each field reports the first rule that it breaks, in the order of the fields', async () => {
    verifies('wire:validation:text', 'wire:validation:order')
    const create = await createFrom('{"name":"two words","template_id":null}')
    expect(create.status).toBe(400)
    expect(create.json).toEqual({
      message: 'Validation failed.',
      validations: [
        { field: 'template_id', detail: `Validation failed for tag "required" with value: "${NIL}"` },
        { field: 'name', detail: 'Validation failed for tag "workspace_name" with value: "two words"' },
      ],
    })
    expect((await createFrom('{}')).json).toMatchObject({
      validations: [{ field: 'template_id' }, { field: 'name', detail: 'Validation failed for tag "workspace_name" with value: ""' }],
    })
    const build = await send(`POST /workspaces/${workspace.id}/builds`, { body: { transition: 'Start' } })
    expect(build.json).toEqual({
      message: 'Validation failed.',
      validations: [{ field: 'transition', detail: 'Validation failed for tag "oneof" with value: "Start"' }],
    })
    const rename = await send(`PATCH /workspaces/${workspace.id}`, { body: {} })
    expect(rename.json).toMatchObject({ validations: [{ field: 'name', detail: 'Validation failed for tag "username" with value: ""' }] })
    const user = await send('POST /users', { body: { email: 'nobody' } })
    expect(user.json).toMatchObject({
      validations: [
        { field: 'email', detail: 'Validation failed for tag "email" with value: "nobody"' },
        { field: 'username', detail: 'Validation failed for tag "required" with value: ""' },
        { field: 'password', detail: 'Validation failed for tag "required" with value: ""' },
        { field: 'organization_id', detail: `Validation failed for tag "required" with value: "${NIL}"` },
      ],
    })
  })

  test('elements of parameter_values are not looked at by the rules', async () => {
    verifies('wire:validation:nested')
    const { json } = await createFrom('{"name":"-","parameter_values":[{},null,{"name":"","source_scheme":"nonsense"}]}')
    expect((json as { validations: { field: string }[] }).validations.map(({ field }) => field)).toEqual(['template_id', 'name'])
  })

  test.each([
    ...['1', 'a', 'a1b2', 'wow-test', 'A-b-C', 'a'.repeat(32)].map((name) => [name, true] as const),
    ...['', ' ', ' a', 'a ', 'a b', 'bananas_wow', 'test--now', '-a', 'a-', 'a'.repeat(33), 'ä', 'a.b', 'a\n', '１'].map(
      (name) => [name, false] as const,
    ),
  ])('%j as a name: %j', async (name, isValid) => {
    verifies('wire:validation:name-rule')
    // Without a template nothing is created, but every field is checked.
    const { json } = await createFrom(JSON.stringify({ name }))
    const fields = (json as { validations: { field: string }[] }).validations.map(({ field }) => field)
    expect(fields.includes('name')).toBe(!isValid)
  })
})
