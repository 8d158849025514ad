import { verifies } from '@berth/requirements'
import { Failure } from '@berth/schema'
import { startStubServer, type StubServer } from '@berth/sdk/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agent, build, id, job, log, parameterSchema, template, workspace } from './fixtures.ts'
import { runBerth, temporaryFolder, type Call } from './run-berth.ts'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

let stub: StubServer

beforeEach(async () => {
  stub = await startStubServer({ token: 'secret' })
  stub.on('workspaces.getByOwnerAndName', () => workspace())
  stub.on('workspaces.get', () => workspace())
  stub.on('builds.create', () => build())
  stub.on('builds.get', () => build())
  stub.on('builds.logs', () => [log(1, 'Setting up', ''), log(2, 'Starting workspace', ''), log(3, 'Starting workspace', 'agent is up')])
  stub.on('organizations.listOfUser', () => [
    { id: id(15), name: 'default', created_at: '2026-11-24T09:00:00Z', updated_at: '2026-11-24T09:00:00Z' },
  ])
  stub.on('templates.list', () => [template()])
  stub.on('templates.getByName', () => template())
  stub.on('templateVersions.schema', () => [])
  stub.on('workspaces.create', () => workspace())
})
afterEach(() => stub.close())

const berth = (words: readonly string[], call: Call = {}) =>
  runBerth(words, { ...call, environment: { BERTH_URL: stub.url, BERTH_SESSION_TOKEN: 'secret', ...call.environment } })
const asked = (operation: string) => stub.requests.filter((request) => request.operation === operation)
const bodyOf = (operation: string): unknown => asked(operation).map((request) => ('body' in request ? request.body : undefined))[0]

describe('list', () => {
  test('shows one line for each workspace, sorted by owner and name', async () => {
    const stopped = build({ transition: 'stop', status: 'stopped' })
    const workspaces = [workspace({ name: 'web', outdated: true, ttl_ms: 28_800_000, latest_build: stopped }), workspace()]
    stub.on('workspaces.list', () => ({ workspaces, count: 2 }))
    const { code, stdout, stderr } = await berth(['list', '-c', 'workspace,template,status,outdated,stops after'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatchInlineSnapshot(`
      "WORKSPACE  TEMPLATE       STATUS   OUTDATED  STOPS AFTER
      ada/dev    local-starter  Started  no
      ada/web    local-starter  Stopped  yes       8h
      "
    `)
  })

  test.each([
    [[], 'owner:me'],
    [['--all'], ''],
    [['--search', 'name:web'], 'name:web'],
    [['-a', '--search', 'name:web'], 'name:web'],
  ])('with %j it asks for "%s"', async (flags, q) => {
    stub.on('workspaces.list', () => ({ workspaces: [], count: 0 }))
    await berth(['ls', ...flags])
    expect(asked('workspaces.list')[0]).toMatchObject({ query: { q } })
  })

  test('without workspaces it prints a hint on standard error and exits with 0', async () => {
    stub.on('workspaces.list', () => ({ workspaces: [], count: 0 }))
    expect(await berth(['list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: "No workspaces found. Create one with 'berth create <name>'.\n",
    })
  })

  test('as JSON it prints one array on one line', async () => {
    stub.on('workspaces.list', () => ({ workspaces: [], count: 0 }))
    expect(await berth(['list', '-o', 'json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' })
    stub.on('workspaces.list', () => ({ workspaces: [workspace()], count: 1 }))
    const { stdout } = await berth(['list', '-o', 'json'])
    expect(JSON.parse(stdout)).toEqual([workspace()])
    expect(stdout.match(/\n/g)).toHaveLength(1)
  })
})

test('show prints the facts, the resources and how to connect', async () => {
  const two = build({}, [agent(), agent({ id: id(32), name: 'gpu', status: 'connecting', version: '' })])
  stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: two }))
  const { code, stdout } = await berth(['show', 'ada/dev'])
  expect(code).toBe(0)
  expect(stdout.replace(/, (?:just now|\w+ ago)\n/, ', … ago\n')).toMatchInlineSnapshot(`
    "ada/dev
    Template:    local-starter, version first
    Status:      Started, build 1 by ada, … ago

    RESOURCE       AGENT                STATUS      VERSION  ACCESS
    local.machine  main (linux, amd64)  connected   v0.1.0   berth ssh dev.main
                   gpu (linux, amd64)   connecting
    "
  `)
  expect(asked('workspaces.getByOwnerAndName')[0]).toMatchObject({ params: { user: 'ada', workspacename: 'dev' } })
})

test('a workspace that does not exist is named in the error', async () => {
  stub.on('workspaces.getByOwnerAndName', () => {
    throw new Failure('not_found')
  })
  expect(await berth(['show', 'nope'])).toEqual({ code: 1, stdout: '', stderr: `There is no workspace "nope". See 'berth list'.\n` })
})

describe('start, stop and delete', () => {
  beforeEach(() => {
    stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: build({ transition: 'stop', status: 'stopped' }) }))
  })

  test('start leaves a running workspace alone, and names restart', async () => {
    verifies('berth:cli:start-running')
    stub.on('workspaces.getByOwnerAndName', () => workspace())
    expect(await berth(['start', 'dev'])).toEqual({
      code: 0,
      stdout: "The workspace dev is already running. To start it anew, run 'berth restart dev'.\n",
      stderr: '',
    })
    const { code, stdout } = await berth(['start', 'dev', '-o', 'json'])
    expect({ code, json: JSON.parse(stdout) as unknown }).toEqual({ code: 0, json: workspace() })
    expect(asked('builds.create')).toEqual([])
  })

  test('start starts a workspace whose last start failed', async () => {
    const failed = build({ status: 'failed', job: job({ status: 'failed', error: 'no space left' }) })
    stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: failed }))
    expect((await berth(['start', 'dev'])).code).toBe(0)
    expect(bodyOf('builds.create')).toEqual({ transition: 'start' })
  })

  test('restart stops the workspace, waits, starts it and says how to connect', async () => {
    verifies('berth:cli:restart')
    stub.on('workspaces.getByOwnerAndName', () => workspace())
    const { code, stdout } = await berth(['restart', 'dev', '-y'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'The workspace dev is ready. Open a shell with:\n  berth ssh dev\n' })
    const steps = stub.requests.filter(({ operation }) => operation === 'builds.create' || operation === 'builds.logs')
    expect(steps.map((request) => ('body' in request && request.body) || request.operation)).toEqual([
      { transition: 'stop' },
      'builds.logs',
      { transition: 'start' },
      'builds.logs',
    ])
  })

  test('restart does not start a workspace that could not be stopped', async () => {
    stub.on('builds.get', () => build({ job: job({ status: 'failed', error: 'no way' }), status: 'failed' }))
    const { code, stderr } = await berth(['restart', 'dev', '-y'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/\nno way\n$/)
    expect(asked('builds.create')).toHaveLength(1)
  })

  test('start shows the stages with their durations and says how to connect', async () => {
    const { code, stdout, stderr } = await berth(['start', 'dev'])
    expect(code).toBe(0)
    expect(stdout).toBe('The workspace dev is ready. Open a shell with:\n  berth ssh dev\n')
    expect(stderr).toMatchInlineSnapshot(`
      "==> Queued
      === Queued [0ms]
      ==> Running
      === Running [100ms]
      ==> Setting up
      === Setting up [100ms]
      ==> Starting workspace
          agent is up
      === Starting workspace [1.3s]
      "
    `)
    expect(bodyOf('builds.create')).toEqual({ transition: 'start' })
  })

  test('start waits until the agent is connected', async () => {
    const connecting = workspace({ latest_build: build({}, [agent({ status: 'connecting' })]) })
    stub.on('workspaces.get', () => connecting)
    stub.onStream('workspaces.watch', async (_, stream) => {
      for (const next of [connecting, connecting, workspace()]) await stream.send(next)
    })
    const { code, stderr } = await berth(['start', 'dev'])
    // Nothing but the last event of the watch says that it is connected.
    expect(code).toBe(0)
    expect(asked('agents.get')).toEqual([])
    expect(stderr).toContain('==> Waiting for the agent main')
  })

  test('an agent that takes longer than its template allows is an error', async () => {
    stub.on('workspaces.get', () => workspace({ latest_build: build({}, [agent({ status: 'connecting' })]) }))
    const late = agent({ status: 'timeout', troubleshooting_url: 'https://help.example' })
    stub.onStream('workspaces.watch', (_, stream) => stream.send(workspace({ latest_build: build({}, [late]) })))
    const { code, stdout, stderr } = await berth(['start', 'dev'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('its agent main did not connect within 120 seconds. See https://help.example.')
  })

  test('a build that fails is an error with the reason', async () => {
    stub.on('builds.get', () => build({ job: job({ status: 'failed', error: 'no space left' }), status: 'failed' }))
    const { code, stderr } = await berth(['start', 'dev'])
    expect(code).toBe(1)
    expect(stderr).toContain('=== Starting workspace [failed after 1.3s]\nno space left\n')
  })

  test('a canceled build ends without an error message', async () => {
    stub.on('builds.get', () => build({ job: job({ status: 'canceled' }), status: 'canceled' }))
    const { code, stderr } = await berth(['stop', 'dev', '-y'])
    expect(code).toBe(1)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('=== Starting workspace [canceled after 1.3s]')
  })

  test("an active build is reported in the server's words", async () => {
    stub.on('builds.create', () => {
      throw new Failure('build_active')
    })
    expect(await berth(['start', 'dev'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'A workspace build is already active. Wait until it ends, or cancel it.\n',
    })
  })

  test('Ctrl-C stops waiting and leaves the build running', async () => {
    stub.on('builds.get', () => build({ job: job({ status: 'running', completed_at: undefined as never }), status: 'starting' }))
    let interrupt: (() => void) | undefined
    stub.onStream('builds.logs', async (_, stream) => {
      await stream.send(log(1, 'Setting up', ''))
      interrupt?.()
    })
    const { code, stderr } = await berth(['start', 'dev'], {
      onStart: (send) => {
        interrupt = () => setTimeout(() => send('SIGINT'), 50)
      },
    })
    expect(code).toBe(1)
    expect(stderr).toContain("The build continues. Check on it with 'berth show dev'.")
    expect(asked('builds.cancel')).toEqual([])
  })

  test('stop, restart and delete ask first, and need --yes without a terminal', async () => {
    for (const command of ['stop', 'delete', 'restart']) {
      const { code, stderr } = await berth([command, 'dev'])
      expect(code).toBe(1)
      expect(stderr).toContain('Pass --yes.')
    }
    expect(asked('builds.create')).toEqual([])
  })

  test('stop sends a stop build', async () => {
    const { code, stdout } = await berth(['stop', 'dev', '-y'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Stopped the workspace dev. Start it again with 'berth start dev'.\n" })
    expect(bodyOf('builds.create')).toEqual({ transition: 'stop' })
  })

  test.each([
    [['rm', 'dev', '-y'], { transition: 'delete' }],
    [['delete', 'dev', '-y', '--orphan'], { transition: 'delete', orphan: true }],
  ])('berth %j asks for %j', async (words, body) => {
    const { code, stdout } = await berth(words)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Deleted the workspace dev.\n' })
    expect(bodyOf('builds.create')).toEqual(body)
  })

  test('as JSON, progress stays on standard error and the workspace is one document', async () => {
    for (const words of [
      ['start', 'dev'],
      ['stop', 'dev', '-y'],
      ['restart', 'dev', '-y'],
      ['delete', 'dev', '-y'],
    ]) {
      const { stdout, stderr } = await berth([...words, '-o', 'json'])
      expect(JSON.parse(stdout)).toEqual(workspace())
      expect(stderr).toContain('==> Queued')
    }
  })
})

describe('create', () => {
  beforeEach(() => {
    stub.on('workspaces.getByOwnerAndName', () => {
      throw new Failure('not_found')
    })
  })

  test('the only template is used, and the workspace stops automatically after eight hours', async () => {
    const { code, stdout } = await berth(['create', 'dev', '-y'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'The workspace dev is ready. Open a shell with:\n  berth ssh dev\n' })
    expect(asked('workspaces.create')[0]).toMatchObject({
      params: { organization: id(15), user: 'me' },
      body: { template_id: id(14), name: 'dev', autostart_schedule: null, ttl_ms: 28_800_000, parameter_values: [] },
    })
  })

  test('--start-at and --stop-after set the schedule', async () => {
    await berth(['create', 'dev', '-y', '--start-at', '9:30AM Mon-Fri Europe/Dublin', '--stop-after', '0'])
    expect(bodyOf('workspaces.create')).toMatchObject({ autostart_schedule: 'CRON_TZ=Europe/Dublin 30 9 * * Mon-Fri', ttl_ms: 0 })
  })

  test('several templates need a choice', async () => {
    stub.on('templates.list', () => [template(), template({ id: id(16), name: 'other' })])
    const { code, stderr } = await berth(['create', 'dev', '-y'])
    expect(code).toBe(1)
    expect(stderr).toContain('Pass --template.')
  })

  test('without templates it says how to create one', async () => {
    stub.on('templates.list', () => [])
    const { stderr } = await berth(['create', 'dev', '-y'])
    expect(stderr).toContain("There are no templates yet. Start with 'berth templates init local-starter'")
  })

  test('an unknown template and a name that is taken are named in the error', async () => {
    stub.on('templates.getByName', () => {
      throw new Failure('not_found')
    })
    expect((await berth(['create', 'dev', '-t', 'nope', '-y'])).stderr).toContain('There is no template "nope".')
    stub.on('workspaces.getByOwnerAndName', () => workspace())
    expect((await berth(['create', 'dev', '-y'])).stderr).toBe(`You already have a workspace "dev". Open it with 'berth ssh dev'.\n`)
  })

  test('an invalid name is refused before anything is created', async () => {
    expect((await berth(['create', 'my_dev', '-y'])).stderr).toContain('"my_dev" isn\'t a valid workspace name')
    expect(asked('workspaces.create')).toEqual([])
  })

  test('parameters come from the file, defaults stay, and parameters that can not be overridden are not sent', async () => {
    const file = join(await temporaryFolder(), 'values.yaml')
    await writeFile(file, 'region: eu\nfixed: x\n')
    stub.on('templateVersions.schema', () => [
      parameterSchema({ validation_contains: ['eu', 'us'] }),
      parameterSchema({ name: 'size', default_source_scheme: 'data', default_source_value: '10' }),
      parameterSchema({ name: 'fixed', allow_override_source: false }),
    ])
    expect((await berth(['create', 'dev', '-y', '--parameter-file', file])).code).toBe(0)
    expect(bodyOf('workspaces.create')).toMatchObject({
      parameter_values: [{ name: 'region', source_value: 'eu', source_scheme: 'data', destination_scheme: 'provisioner_variable' }],
    })
    await writeFile(file, 'region: mars\n')
    expect((await berth(['create', 'dev', '-y', '--parameter-file', file])).stderr).toContain(
      '"mars" isn\'t a valid value for the parameter "region". Use one of: eu, us.',
    )
  })

  test('a parameter without a value and without a terminal is an error that names it', async () => {
    stub.on('templateVersions.schema', () => [parameterSchema()])
    expect((await berth(['create', 'dev', '-y'])).stderr).toContain('Pass a --parameter-file that sets region.')
  })
})

describe('schedule, rename and update', () => {
  test('a start schedule is sent in the format of the API, and shown in words', async () => {
    const set = workspace({ autostart_schedule: 'CRON_TZ=Europe/Dublin 30 9 * * 1-5' })
    stub.on('workspaces.get', () => set)
    const { code, stdout } = await berth(['schedule', 'start', 'dev', '9:30AM', 'Mon-Fri', 'Europe/Dublin'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Starts: {7}9:30AM Mon-Fri \(Europe\/Dublin\), next on \d{4}-\d\d-\d\dT(?:08|09):30:00Z\nStops after: {2}manually\n$/,
    )
    expect(bodyOf('workspaces.updateAutostart')).toEqual({ schedule: 'CRON_TZ=Europe/Dublin 30 9 * * Mon-Fri' })
  })

  test.each([
    [['start', 'dev', 'manual'], 'workspaces.updateAutostart', { schedule: null }],
    [['stop', 'dev', '10h'], 'workspaces.updateTTL', { ttl_ms: 36_000_000 }],
    [['stop', 'dev', 'manual'], 'workspaces.updateTTL', { ttl_ms: null }],
  ])('berth schedule %j sends %j', async (words, operation, body) => {
    expect((await berth(['schedule', ...words])).code).toBe(0)
    expect(bodyOf(operation)).toEqual(body)
  })

  test('override-stop takes at least half an hour', async () => {
    expect((await berth(['schedule', 'override-stop', 'dev', '10m'])).code).toBe(1)
    expect(asked('workspaces.extend')).toEqual([])
    expect((await berth(['schedule', 'override-stop', 'dev', '2h'])).code).toBe(0)
    expect(asked('workspaces.extend')).toHaveLength(1)
  })

  test('an invalid schedule is refused with an example of a valid one', async () => {
    const { code, stderr } = await berth(['schedule', 'start', 'dev', 'teatime'])
    expect(code).toBe(1)
    expect(stderr).toContain('Use a format such as 9:30AM Mon-Fri Europe/Dublin.')
  })

  test('rename sends the new name', async () => {
    expect((await berth(['rename', 'dev', 'web', '-y'])).stdout).toBe('Renamed the workspace dev to web.\n')
    expect(bodyOf('workspaces.update')).toEqual({ name: 'web' })
  })

  test('update builds only an outdated workspace, with the active version and the same transition', async () => {
    expect((await berth(['update', 'dev'])).stdout).toBe('The workspace dev is up to date.\n')
    expect(asked('builds.create')).toEqual([])
    stub.on('workspaces.getByOwnerAndName', () => workspace({ outdated: true }))
    stub.on('templates.get', () => template({ active_version_id: id(17) }))
    expect((await berth(['update', 'dev', '-y'])).code).toBe(0)
    expect(bodyOf('builds.create')).toEqual({ transition: 'start', template_version_id: id(17), parameter_values: [] })
  })
})
