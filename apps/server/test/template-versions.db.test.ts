import { randomUUID } from 'node:crypto'
import { echoArchive, type EchoResponses } from '@berth/provisioner/testing'
import type { CreateTemplateVersionRequest, ProvisionerJobLog } from '@berth/schema'
import { verifies } from '@berth/requirements'
import { NIL_UUID } from '@berth/schema/rules'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { eventually } from './eventually.ts'
import { createMember, createTemplate, createVersion, importEnded, uniqueName } from './factories.ts'
import { createFrom, imported } from './import-archive.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { tarEntry } from './tar-entry.ts'

let server: TestServer
/** Without workers: what is put into its queue stays there. */
let idle: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { forceCancelIntervalMs: 300 } })
  idle = await startTestServer({ config: { provisionerDaemons: 0 } })
})
afterAll(async () => {
  await server.stop()
  await idle.stop()
})

const HANGING: EchoResponses = { parse: [{ log: { output: 'still parsing' } }] }
async function logsOf(templateversion: string): Promise<readonly ProvisionerJobLog[]> {
  return (await server.client.templateVersions.logs({ params: { templateversion }, query: {} })) ?? []
}

test('a new version is pending, belongs to no template, and is readable', async () => {
  verifies('versions:get')
  const version = await createVersion(idle)
  expect(version).toMatchObject({
    template_id: '00000000-0000-0000-0000-000000000000',
    organization_id: idle.firstUser.organization_id,
    readme: '',
    job: { status: 'pending', tags: { scope: 'organization' } },
    created_by: { id: idle.firstUser.user_id, username: 'testuser', organization_ids: null, roles: [] },
  })
  expect(version.name).toMatch(/^[a-z]+_[a-z]+\d$/)
  expect(await idle.client.templateVersions.get({ params: { templateversion: version.id } })).toEqual(version)
})

test('a member reads a version once it belongs to a template', async () => {
  verifies('versions:get')
  const { client } = await createMember(server)
  const loose = await createVersion(server)
  await expect(client.templateVersions.get({ params: { templateversion: loose.id } })).rejects.toMatchObject({ status: 404 })
  const { active_version_id, id } = await createTemplate(server)
  expect(await client.templateVersions.get({ params: { templateversion: active_version_id } })).toMatchObject({ template_id: id })
})

test('a name, tags and values are kept; the scope becomes organization', async () => {
  verifies('versions:create-name')
  const version = await createFrom(server, echoArchive(), {
    name: 'bananas',
    tags: { scope: 'galaxy', zone: 'a' },
    parameter_values: [{ name: 'example', source_value: 'value', source_scheme: 'data', destination_scheme: 'environment_variable' }],
  })
  expect(version).toMatchObject({ name: 'bananas', job: { tags: { scope: 'organization', zone: 'a' } } })
})

test('tags with the scope user name the caller as owner', async () => {
  const version = await createFrom(server, echoArchive(), { tags: { scope: 'user', owner: randomUUID() } })
  expect(version.job.tags).toEqual({ scope: 'user', owner: server.firstUser.user_id })
})

test('an unknown template or file is 404', async () => {
  verifies('versions:create-unknown')
  await expect(createFrom(server, echoArchive(), { template_id: randomUUID() })).rejects.toMatchObject({ status: 404 })
  await expect(createFrom(server, echoArchive(), { file_id: randomUUID() })).rejects.toMatchObject({ status: 404 })
  await expect(createFrom(server, echoArchive(), { file_id: randomUUID(), template_id: randomUUID() })).rejects.toMatchObject({
    status: 404,
  })
})

test('neither file nor example, both, and an unknown example are 400', async () => {
  const create = async (body: Partial<CreateTemplateVersionRequest>): Promise<unknown> =>
    await server.client.templateVersions.create({
      params: { organization: server.firstUser.organization_id },
      body: { storage_method: 'file', provisioner: 'echo', ...body },
    })
  verifies('versions:missing-source')
  const text = 'Validation failed for tag "required_without" with value:'
  await expect(create({})).rejects.toMatchObject({
    status: 400,
    validations: [
      { field: 'file_id', detail: `${text} "${NIL_UUID}"` },
      { field: 'example_id', detail: `${text} ""` },
    ],
  })
  const { hash } = await server.client.files.upload({ body: echoArchive() })
  await expect(create({ file_id: hash, example_id: 'docker' })).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('example_id and a file_id'),
  })
  await expect(create({ example_id: 'unheard-of' })).rejects.toMatchObject({ status: 400, message: 'Example not found.' })
})

test('a file of somebody else is not found, and a plain member creates no version', async () => {
  const { client } = await createMember(server)
  const { hash } = await client.files.upload({ body: echoArchive({ apply: [{ complete: { state: Buffer.from('mine') } }] }) })
  const creating = client.templateVersions.create({
    params: { organization: server.firstUser.organization_id },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo' },
  })
  await expect(creating).rejects.toMatchObject({ status: 404 })
})

test('a name that the template has is 409; versions without a template may share one', async () => {
  const template = await createTemplate(server)
  const fields = { name: uniqueName(), template_id: template.id }
  await createFrom(server, echoArchive(), fields)
  await expect(createFrom(server, echoArchive(), fields)).rejects.toMatchObject({ status: 409, validations: [{ field: 'name' }] })
  const loose = uniqueName()
  expect((await createFrom(server, echoArchive(), { name: loose })).name).toBe(
    (await createFrom(server, echoArchive(), { name: loose })).name,
  )
})

test('an import logs its stages by their exact labels, in order', async () => {
  verifies('versions:import-stages', 'echo:answers')
  const archive = echoArchive({
    parse: [{ log: { level: 'debug', output: 'parsing' } }, { complete: {} }],
    plan: [{ log: { level: 'warn', output: 'planning' } }, { complete: {} }],
  })
  const version = await imported(server, Buffer.concat([tarEntry('README.md', '# Read me\n'), archive]))
  expect(version.job.status).toBe('succeeded')
  expect(version.readme).toBe('# Read me\n')
  const logs = await logsOf(version.id)
  expect(logs.map(({ log_source, log_level, stage, output }) => [log_source, log_level, stage, output])).toEqual([
    ['provisioner_daemon', 'info', 'Setting up', ''],
    ['provisioner_daemon', 'info', 'Adding README.md...', ''],
    ['provisioner_daemon', 'info', 'Parsing template parameters', ''],
    ['provisioner', 'debug', 'Parse parameters', 'parsing'],
    ['provisioner_daemon', 'info', 'Detecting persistent resources', ''],
    ['provisioner', 'warn', 'Detecting persistent resources', 'planning'],
    ['provisioner_daemon', 'info', 'Detecting ephemeral resources', ''],
    ['provisioner', 'warn', 'Detecting ephemeral resources', 'planning'],
    ['provisioner_daemon', 'info', 'Cleaning Up', ''],
  ])
  expect(logs.map(({ id }) => id)).toEqual(logs.map(({ id }) => id).toSorted((a, b) => a - b))
})

test('an archive without README says so in the log', async () => {
  verifies('versions:import-stages')
  const { id } = await imported(server, echoArchive())
  expect(await logsOf(id)).toContainEqual(expect.objectContaining({ log_level: 'debug', stage: 'No README.md provided', output: '' }))
})

test('long output is cut to 1024 characters, and a NUL in it is no reason to fail', async () => {
  const archive = echoArchive({ parse: [{ log: { output: 'é'.repeat(2000) } }, { log: { output: 'a\0b' } }, { complete: {} }] })
  const { id, job } = await imported(server, archive)
  expect(job.status).toBe('succeeded')
  const outputs = (await logsOf(id)).filter(({ stage }) => stage === 'Parse parameters').map(({ output }) => output)
  expect(outputs).toEqual(['é'.repeat(1024), 'ab'])
})

test('after and before cut the log by id', async () => {
  verifies('rulings:logs-before')
  const { id: templateversion } = await imported(server, echoArchive())
  const ids = (await logsOf(templateversion)).map(({ id }) => id)
  const cut = async (query: { after?: number; before?: number }): Promise<number[]> =>
    ((await server.client.templateVersions.logs({ params: { templateversion }, query })) ?? []).map(({ id }) => id)
  const [first = 0, second = 0] = ids
  expect(await cut({ after: second })).toEqual(ids.slice(2))
  expect(await cut({ before: second })).toEqual([first])
  expect(await cut({ after: first, before: ids.at(-1) ?? 0 })).toEqual(ids.slice(1, -1))
})

test('a bound that is no integer is 400 and names itself; before does not go with follow', async () => {
  verifies('versions:log-bounds')
  const { id } = await imported(server, echoArchive())
  for (const [query, field, detail] of [
    ['before=soon', 'before', 'Must be an integer'],
    ['after=1.5', 'after', 'Must be an integer'],
    ['follow&before=3', 'before', 'Cannot be used together with "follow"'],
  ] as const) {
    const answer = await fetch(`${server.url}/api/v2/templateversions/${id}/logs?${query}`, {
      headers: { 'Coder-Session-Token': server.firstUser.token },
    })
    expect(answer.status, query).toBe(400)
    expect(await answer.json(), query).toMatchObject({ validations: [{ field, detail }] })
  }
})

/** Follows a log to its end: one text message an entry, JSON and a line feed. */
async function follow(templateversion: string): Promise<{ messages: string[]; closed: Promise<number> }> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/templateversions/${templateversion}/logs?follow`, {
    headers: { 'Coder-Session-Token': server.firstUser.token },
  })
  const messages: string[] = []
  socket.on('message', (data: Buffer, isBinary) => messages.push(isBinary ? 'binary' : data.toString('utf8')))
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return { messages, closed }
}

test('the log stream has every entry once and ends by itself when the job has ended', async () => {
  verifies('versions:logs')
  const { id } = await createFrom(server, echoArchive(HANGING))
  const { messages, closed } = await follow(id)
  await eventually(async () => (messages.some((message) => message.includes('still parsing')) ? true : undefined))
  await server.client.templateVersions.cancel({ params: { templateversion: id } })
  expect(await closed).toBe(1000)
  const stored = await logsOf(id)
  expect(messages).toEqual(stored.map((log) => `${JSON.stringify(log)}\n`))
  const late = await follow(id)
  expect(await late.closed).toBe(1000)
  expect(late.messages).toEqual(messages)
})

test('an import of thousands of lines is followed without a gap', async () => {
  verifies('versions:logs')
  const lines = Array.from({ length: 1500 }, (_, index) => ({ log: { output: `line ${index}` } }))
  const { id } = await createFrom(server, echoArchive({ parse: [...lines, { complete: {} }] }))
  const { messages, closed } = await follow(id)
  expect(await closed).toBe(1000)
  expect(messages).toHaveLength((await logsOf(id)).length)
  expect(messages.length).toBeGreaterThan(1500)
})

test('schema, parameters and resources of an unfinished import are 412', async () => {
  verifies('versions:unfinished')
  const { id: templateversion } = await createVersion(idle)
  for (const name of ['schema', 'parameters', 'resources'] as const)
    await expect(idle.client.templateVersions[name]({ params: { templateversion } }), name).rejects.toMatchObject({ status: 412 })
})

test('resources come twice, for start and for stop, sorted by name, with their agents', async () => {
  verifies('versions:resources', 'provisioner:complete')
  const apply = [
    {
      complete: {
        resources: [
          { name: 'some', type: 'example', agents: [{ name: 'main', token: randomUUID() }] },
          { name: 'another', type: 'example' },
        ],
      },
    },
  ]
  const { id } = await imported(server, echoArchive({ apply }))
  const resources = await server.client.templateVersions.resources({ params: { templateversion: id } })
  expect(resources.map(({ name }) => name)).toEqual(['another', 'another', 'some', 'some'])
  expect(resources.map(({ workspace_transition }) => workspace_transition).toSorted()).toEqual(['start', 'start', 'stop', 'stop'])
  expect(resources[2]).toMatchObject({ name: 'some', type: 'example', agents: [{ name: 'main', status: 'connecting' }] })
  expect(resources[0]).not.toHaveProperty('agents')
})

test.each([
  ['a token that is no UUID', { resources: [{ name: 'a', type: 'b', agents: [{ name: 'c', token: 'short' }] }] }, 'invalid UUID length'],
  [
    'a slug twice on one resource',
    {
      resources: [
        {
          name: 'a',
          type: 'b',
          agents: [
            { name: 'c', apps: [{ slug: 'web' }] },
            { name: 'd', apps: [{ slug: 'web' }] },
          ],
        },
      ],
    },
    'duplicate app slug',
  ],
  ['a slug that is none', { resources: [{ name: 'a', type: 'b', agents: [{ name: 'c', apps: [{ slug: '-no-' }] }] }] }, 'app slug "-no-"'],
])('%s fails the import with a reason, and nothing is stored', async (_what, complete, error) => {
  verifies('provisioner:resources')
  const { id, job } = await imported(server, echoArchive({ apply: [{ complete }] }))
  expect(job).toMatchObject({ status: 'failed', error: expect.stringContaining(error) })
  expect(await server.client.templateVersions.resources({ params: { templateversion: id } })).toEqual([])
})

test('what the plan reports as its error is the error of the job, word by word', async () => {
  const { job } = await imported(server, echoArchive({ plan: [{ complete: { error: 'the cloud said no' } }] }))
  expect(job).toMatchObject({ status: 'failed', error: 'the cloud said no' })
})

test('a template without an answer fails with the step that had none', async () => {
  verifies('echo:answers')
  const { job } = await imported(server, echoArchive({ parse: [] }))
  expect(job).toMatchObject({ status: 'failed', error: 'run parse: no state' })
})

test('an archive whose entry would land outside the folder fails the job', async () => {
  verifies('versions:archive-escape')
  const { job } = await imported(server, Buffer.concat([tarEntry('../outside', 'x'), echoArchive()]))
  expect(job.status).toBe('failed')
  expect(job.error).toContain('tar attempts to target relative upper directory')
})

test('an archive whose headers would take long to read fails the job', async () => {
  verifies('versions:archive-headers')
  const fields = Array.from({ length: 10_000 }, (_, index) => `9 k${index.toString(36).padStart(3, '0')}=\n`).join('')
  const { job } = await imported(server, Buffer.concat([tarEntry('fields', fields, 'g'), echoArchive()]))
  expect(job).toMatchObject({ status: 'failed', error: 'an extended header has more than 65536 bytes' })
})

test('what is no archive fails the job', async () => {
  const { job } = await imported(server, Buffer.from('this is not a tar file'.repeat(100)))
  expect(job.status).toBe('failed')
})

test('a running import is canceled once, reads as canceling, and ends failed when forced', async () => {
  verifies('versions:cancel', 'echo:hangs')
  const { id: templateversion } = await createFrom(server, echoArchive(HANGING))
  // Before its first line it would end by itself when it is canceled.
  await eventually(async () => ((await logsOf(templateversion)).some(({ output }) => output === 'still parsing') ? true : undefined))
  await server.client.templateVersions.cancel({ params: { templateversion } })
  const { job } = await server.client.templateVersions.get({ params: { templateversion } })
  expect(job.status).toBe('canceling')
  expect(job).not.toHaveProperty('error')
  await expect(server.client.templateVersions.cancel({ params: { templateversion } })).rejects.toMatchObject({ status: 412 })
  const ended = await importEnded(server.client, templateversion)
  expect(ended.job).toMatchObject({ status: 'failed', error: 'Cancel timed out' })
})

test('canceling an import that has ended is 412, one that has not begun ends it at once', async () => {
  verifies('versions:cancel')
  const { id } = await imported(server, echoArchive())
  await expect(server.client.templateVersions.cancel({ params: { templateversion: id } })).rejects.toMatchObject({ status: 412 })
  const waiting = { templateversion: (await createVersion(idle)).id }
  await idle.client.templateVersions.cancel({ params: waiting })
  const { job } = await idle.client.templateVersions.get({ params: waiting })
  expect(job.status).toBe('canceled')
  expect(job.completed_at).toBeDefined()
  await expect(idle.client.templateVersions.cancel({ params: waiting })).rejects.toMatchObject({ status: 412 })
})

test('a member cannot cancel the import of a template', async () => {
  const template = await createTemplate(server)
  const { client } = await createMember(server)
  const canceling = client.templateVersions.cancel({ params: { templateversion: template.active_version_id } })
  await expect(canceling).rejects.toMatchObject({ status: 404 })
})

test('versions are listed by template, oldest first, by limit, offset and cursor', async () => {
  verifies('versions:list', 'versions:paging')
  const template = await createTemplate(server)
  const ids = [template.active_version_id]
  for (let count = 1; count < 10; count++) ids.push((await createVersion(server, {}, template.id)).id)
  const list = async (query: { limit?: number; offset?: number; after_id?: string }): Promise<string[]> =>
    (await server.client.templateVersions.listOfTemplate({ params: { template: template.id }, query })).map(({ id }) => id)
  expect(await list({})).toEqual(ids)
  verifies('paging:nil-cursor')
  expect(await list({ limit: 2, after_id: NIL_UUID })).toEqual(ids.slice(0, 2))
  expect(await list({ limit: 1 })).toEqual(ids.slice(0, 1))
  expect(await list({ limit: 1, offset: 1 })).toEqual(ids.slice(1, 2))
  expect(await list({ limit: 2, offset: 8 })).toEqual(ids.slice(8))
  expect(await list({ limit: 2, after_id: ids[1] ?? '' })).toEqual(ids.slice(2, 4))
  expect(await list({ after_id: ids[9] ?? '' })).toEqual([])
  expect(await list({ offset: 10 })).toEqual([])
  await expect(list({ after_id: randomUUID() })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('does not exist') })
})

test('an echo import where no worker has the echo provisioner fails, and does not wait', async () => {
  verifies('berth:templates:echo-needs-setting')
  const closed = await startTestServer({ drivers: [{ type: 'berth', parse: unused, plan: unused, apply: unused }] })
  try {
    const { id } = await createVersion(closed)
    expect((await importEnded(closed.client, id)).job).toMatchObject({ status: 'failed', error: 'no provisioner echo' })
  } finally {
    await closed.stop()
  }
})

async function unused(): Promise<never> {
  throw new Error('this driver does nothing')
}
