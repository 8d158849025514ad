import { Failure, ProvisionerJobLog, Template, Workspace, WorkspaceAgent } from '@berth/schema'
import { exampleOf } from '@berth/schema/openapi'
import { verifies } from '@berth/requirements'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { BuildError } from './build-error.ts'
import { createClient, type Client } from './create-client.ts'
import { startStubServer, type StubServer } from './stub-server.ts'

const id = '08891da4-eab9-436f-a2c1-dcac63926249'
const retryDelayMs = () => 1
const example = exampleOf(Workspace) as Workspace
const agent = exampleOf(WorkspaceAgent) as WorkspaceAgent

let stub: StubServer
let client: Client
beforeEach(async () => {
  stub = await startStubServer()
  client = createClient({ url: stub.url })
})
afterEach(() => stub.close())

/** What the stub was asked for, without the query. */
const asked = () => stub.requests.map(({ method, url }) => `${method} ${url.replace('/api/v2', '').replace(/\?.*/, '')}`)

interface State {
  readonly transition?: Workspace['latest_build']['transition']
  readonly job: Workspace['latest_build']['job']['status']
  readonly error?: string
  readonly agents?: readonly WorkspaceAgent['status'][]
}

function workspaceIn({ transition = 'start', job, error, agents = [] }: State): Workspace {
  const { latest_build: build } = example
  const resource = build.resources[0] ?? expect.fail('the example has no resource')
  return {
    ...example,
    id,
    owner_name: 'ada',
    name: 'dev',
    latest_build: {
      ...build,
      transition,
      workspace_id: id,
      workspace_name: 'dev',
      workspace_owner_name: 'ada',
      status: job === 'succeeded' && transition === 'stop' ? 'stopped' : 'starting',
      job: { ...build.job, status: job, ...(error !== undefined && { error }) },
      resources: [{ ...resource, agents: agents.map((status) => ({ ...agent, name: 'main', status })) }],
    },
  }
}

/** Lets a watch see these states in turn; reading the workspace shows the first. */
function script(...states: State[]): void {
  const [first = { job: 'pending' }, ...later] = states
  stub.on('workspaces.get', () => workspaceIn(first))
  stub.onStream('workspaces.watch', async (_, stream) => {
    await stream.sendText('event: ping\n\n')
    for (const state of later) await stream.send(workspaceIn(state))
  })
}

describe('get', () => {
  test.each([
    [id, `/workspaces/${id}`],
    [id.toUpperCase(), `/workspaces/${id.toUpperCase()}`],
    ['dev', '/users/me/workspace/dev'],
    ['me/dev', '/users/me/workspace/dev'],
    ['ada/dev', '/users/ada/workspace/dev'],
  ])('reads %s from %s', async (reference, path) => {
    verifies('berth:sdk:short-calls')
    const workspace = await client.workspaces.get(reference)
    expectTypeOf(workspace).toEqualTypeOf<Workspace>()
    expect(workspace).toEqual(example)
    expect(asked()).toEqual([`GET ${path}`])
  })

  test.each(['', '/', 'ada/', '/dev', 'a/b/c'])('refuses "%s" without asking the server', async (reference) => {
    await expect(client.workspaces.get(reference)).rejects.toThrow(`"${reference}" is not a workspace. Give an ID, a name, or owner/name.`)
    expect(asked()).toEqual([])
  })

  test('takes what the contract takes too, and a signal', async () => {
    await client.workspaces.get({ params: { workspace: id }, query: { include_deleted: true } })
    expect(stub.requests.at(-1)?.url).toBe(`/api/v2/workspaces/${id}?include_deleted=true`)
    await expect(client.workspaces.get('dev', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})

describe('create', () => {
  const template = exampleOf(Template) as Template

  test('finds the template by its name in the first organization, and creates for the caller', async () => {
    verifies('berth:sdk:short-calls')
    const workspace = await client.workspaces.create({
      template: 'local',
      name: 'dev',
      ttlMs: 600_000,
      parameters: { size: 'large', cpus: 4, gpu: false },
    })
    expectTypeOf(workspace).toExtend<Workspace>()
    expect(workspace).toMatchObject({ id: example.id })
    const [organizations, found, created] = asked()
    expect(organizations).toBe('GET /users/me/organizations')
    expect(found).toMatch(/^GET \/organizations\/[0-9a-f-]{36}\/templates\/local$/)
    expect(created).toMatch(/^POST \/organizations\/[0-9a-f-]{36}\/members\/me\/workspaces$/)
    const given = { source_scheme: 'data', destination_scheme: 'provisioner_variable' }
    expect(stub.requests.at(-1)).toHaveProperty('body', {
      template_id: template.id,
      name: 'dev',
      ttl_ms: 600_000,
      parameter_values: [
        { ...given, name: 'size', source_value: 'large' },
        { ...given, name: 'cpus', source_value: '4' },
        { ...given, name: 'gpu', source_value: 'false' },
      ],
    })
  })

  test('takes an owner and an organization, and makes up a name', async () => {
    await client.workspaces.create({ template: 'local', owner: 'ada', organization: id })
    expect(asked()).toEqual([`GET /organizations/${id}/templates/local`, `POST /organizations/${id}/members/ada/workspaces`])
    expect(stub.requests.at(-1)).toHaveProperty('body.name', expect.stringMatching(/^box-[0-9a-f]{8}$/))
  })

  test('takes what the contract takes too', async () => {
    await client.workspaces.create({ params: { organization: id, user: 'me' }, body: { template_id: id, name: 'dev' } })
    expect(asked()).toEqual([`POST /organizations/${id}/members/me/workspaces`])
  })

  test('a template that does not exist is the 404 of the server', async () => {
    stub.on('templates.getByName', () => {
      throw new Failure('not_found')
    })
    await expect(client.workspaces.create({ template: 'gone', name: 'dev' })).rejects.toMatchObject({ status: 404 })
  })

  test('someone without an organization is told so', async () => {
    stub.on('organizations.listOfUser', () => [])
    await expect(client.workspaces.create({ template: 'local', name: 'dev' })).rejects.toThrow("You aren't a member of any organization.")
  })
})

describe('waitUntilReady', () => {
  test('resolves when the build has succeeded and every agent is connected', async () => {
    verifies('berth:sdk:ready')
    script(
      { job: 'pending' },
      { job: 'running' },
      { job: 'succeeded', agents: ['connecting', 'connected'] },
      { job: 'succeeded', agents: ['connected', 'connected'] },
    )
    const ready = await client.workspaces.waitUntilReady(id, { retryDelayMs })
    expect(ready.latest_build.resources[0]?.agents?.map(({ status }) => status)).toEqual(['connected', 'connected'])
    // It follows the changes, and reads the workspace once.
    expect(asked()).toEqual([`GET /workspaces/${id}/watch`, `GET /workspaces/${id}`])
  })

  test('resolves at once for a workspace that is ready, and for one without agents', async () => {
    script({ job: 'succeeded', agents: ['connected'] })
    await client.workspaces.waitUntilReady({ id })
    script({ job: 'succeeded' })
    await client.workspaces.waitUntilReady({ id })
  })

  test('finds a workspace by its name first', async () => {
    stub.on('workspaces.getByOwnerAndName', () => workspaceIn({ job: 'pending' }))
    script({ job: 'succeeded', agents: ['connected'] })
    await client.workspaces.waitUntilReady('ada/dev')
    expect(asked()[0]).toBe('GET /users/ada/workspace/dev')
  })

  test("a failed build is a BuildError with the build's error and its last lines", async () => {
    verifies('berth:sdk:ready')
    const entry = exampleOf(ProvisionerJobLog) as ProvisionerJobLog
    const logs = Array.from({ length: 80 }, (_, index) => ({ ...entry, id: index, output: index % 2 === 0 ? '' : `line ${index}` }))
    stub.on('builds.logs', () => logs)
    script({ job: 'running' }, { job: 'failed', error: 'no such image' })
    const error = await client.workspaces.waitUntilReady(id, { retryDelayMs }).catch((reason: unknown) => reason)
    expect(BuildError.is(error)).toBe(true)
    expect(error).toMatchObject({ build: { job: { error: 'no such image' } }, logs: logs.slice(30) })
    const lines = (error as Error).message.split('\n')
    expect(lines[0]).toBe('The start of ada/dev failed: no such image')
    expect(lines.slice(1)).toEqual(Array.from({ length: 10 }, (_, index) => `  line ${61 + 2 * index}`))
  })

  test('a canceled build says so, even if its log can no longer be read', async () => {
    stub.on('builds.logs', () => {
      throw new Failure('not_found')
    })
    script({ job: 'canceled' })
    const error = await client.workspaces.waitUntilReady(id).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'BuildError', message: 'The start of ada/dev was canceled.', logs: [] })
  })

  test('a workspace that is not starting is an error that says what to do', async () => {
    script({ transition: 'stop', job: 'succeeded' })
    await expect(client.workspaces.waitUntilReady(id)).rejects.toThrow(
      'The workspace ada/dev is stopped, so it will not become ready. Start it with client.workspaces.start.',
    )
  })

  test('an agent that does not connect within its time is an error that names it', async () => {
    script({ job: 'succeeded', agents: ['timeout'] })
    await expect(client.workspaces.waitUntilReady(id)).rejects.toThrow('The agent "main" of ada/dev did not connect within')
  })

  test('a signal ends the wait with its reason', async () => {
    const controller = new AbortController()
    stub.on('workspaces.get', () => {
      controller.abort(new Error('enough'))
      return workspaceIn({ job: 'pending' })
    })
    await expect(client.workspaces.waitUntilReady(id, { signal: controller.signal })).rejects.toThrow('enough')
  })
})

const urlAt = async (host: string): Promise<string> => {
  script({ job: 'succeeded', agents: ['connected'] })
  stub.on('applications.getHost', () => ({ host }))
  return await (await client.workspaces.open({ id })).ports.url(3000)
}

describe('ports.url', () => {
  test('is that of the host name of the deployment, on the port of the server or its own', async () => {
    verifies('berth:sdk:ports')
    const { port } = new URL(stub.url)
    expect(await urlAt('*.apps.example.com')).toBe(`http://3000--main--dev--ada.apps.example.com:${port}`)
    expect(await urlAt('*-apps.example.com:8443')).toBe('http://3000--main--dev--ada-apps.example.com:8443')
  })

  test('a deployment without one is an error that says what to do', async () => {
    await expect(urlAt('')).rejects.toThrow('The deployment has no host names for apps.')
  })
})

describe('start, stop and delete', () => {
  test.each(['start', 'stop', 'delete'] as const)('%s queues a build with this transition', async (transition) => {
    verifies('berth:sdk:short-calls')
    await client.workspaces[transition]({ id })
    expect(asked()).toEqual([`POST /workspaces/${id}/builds`])
    expect(stub.requests.at(-1)).toHaveProperty('body', { transition })
  })

  test('with `wait` they resolve with the ended build', async () => {
    stub.on('builds.create', () => workspaceIn({ transition: 'stop', job: 'pending' }).latest_build)
    script({ transition: 'stop', job: 'running' }, { transition: 'stop', job: 'succeeded' })
    expect((await client.workspaces.stop(id, { wait: true, retryDelayMs })).job.status).toBe('succeeded')
  })

  test('with `wait` a failed build rejects, even if a later build has begun', async () => {
    const failed = workspaceIn({ transition: 'delete', job: 'failed', error: 'busy' }).latest_build
    stub.on('builds.create', () => ({ ...failed, id: agent.id }))
    stub.on('builds.get', () => ({ ...failed, id: agent.id }))
    script({ job: 'pending' })
    await expect(client.workspaces.delete(id, { wait: true })).rejects.toThrow('The delete of ada/dev failed: busy')
  })
})
