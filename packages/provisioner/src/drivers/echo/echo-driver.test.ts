import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { extractArchive } from '../../archive/extract-archive.ts'
import { ProvisionError, type ApplyRequest } from '../../driver.ts'
import { echoArchive, type EchoResponses } from '../../testing.ts'
import { createEchoDriver } from './echo-driver.ts'

let directory: string
const driver = createEchoDriver()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-echo-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function requestFor(
  responses?: EchoResponses | Uint8Array,
  changes: Partial<ApplyRequest> = {},
): Promise<ApplyRequest & { lines: string[] }> {
  await extractArchive(responses instanceof Uint8Array ? responses : echoArchive(responses), directory)
  const lines: string[] = []
  return {
    lines,
    directory,
    log: async (level, output) => void lines.push(`${level} ${output}`),
    signal: new AbortController().signal,
    forceSignal: new AbortController().signal,
    metadata: {
      access_url: 'http://localhost',
      workspace_transition: 'start',
      workspace_name: 'dev',
      workspace_id: 'id',
      workspace_owner: 'owner',
      workspace_owner_id: 'owner-id',
      workspace_owner_email: 'owner@example.com',
    },
    parameter_values: [],
    state: new Uint8Array(),
    plan: new Uint8Array(),
    ...changes,
  }
}

test('by default every step completes with nothing', async () => {
  const request = await requestFor()
  expect(await driver.parse(request)).toEqual({ parameter_schemas: [] })
  expect(await driver.plan(request)).toEqual({ resources: [], plan: new Uint8Array() })
  expect(await driver.apply(request)).toEqual({ resources: [], state: new Uint8Array() })
})

test('an absent plan repeats the apply', async () => {
  const request = await requestFor({ apply: [{ complete: { resources: [{ name: 'a', type: 'b' }] } }] })
  expect((await driver.plan(request)).resources).toMatchObject([{ name: 'a', type: 'b' }])
})

test('a resource keeps every field', async () => {
  const resource = {
    name: 'dev',
    type: 'machine',
    hide: true,
    icon: '/icon.svg',
    instance_type: 'big',
    daily_cost: 7,
    metadata: [
      { key: 'a', value: '', sensitive: true, is_null: false },
      { key: 'b', value: 'x', sensitive: false, is_null: true },
    ],
    agents: [
      {
        id: 'agent-id',
        name: 'main',
        env: { FOO: 'bar', EMPTY: '' },
        startup_script: 'echo hi',
        operating_system: 'linux',
        architecture: 'amd64',
        directory: '/home',
        token: '00000000-0000-0000-0000-000000000001',
        connection_timeout_seconds: 120,
        troubleshooting_url: 'https://help',
        motd_file: '/etc/motd',
        apps: [
          {
            slug: 'web',
            display_name: 'Web',
            command: '',
            url: 'http://localhost:8080',
            icon: '',
            subdomain: true,
            healthcheck: { url: 'http://localhost:8080/health', interval: 5, threshold: 6 },
            sharing_level: 'public' as const,
            external: true,
          },
        ],
      },
    ],
  }
  const request = await requestFor({ apply: [{ complete: { resources: [resource], state: new Uint8Array([1, 2, 3]) } }] })
  expect(await driver.apply(request)).toEqual({ resources: [resource], state: new Uint8Array([1, 2, 3]) })
})

test('an agent can have an instance ID, an empty token or neither', async () => {
  const request = await requestFor({ apply: [{ complete: { resources: [{ agents: [{ instance_id: 'i-1' }, { token: '' }, {}] }] } }] })
  const [resource] = (await driver.apply(request)).resources
  expect(resource?.agents.map(({ token, instance_id }) => [token, instance_id])).toEqual([
    [undefined, 'i-1'],
    ['', undefined],
    [undefined, undefined],
  ])
})

test('a parameter schema keeps every field, and has a default only if one is given', async () => {
  const schema = {
    name: 'region',
    description: 'Where',
    default_source_scheme: 'data' as const,
    default_source_value: 'eu',
    allow_override_source: true,
    default_destination_scheme: 'provisioner_variable' as const,
    allow_override_destination: false,
    redisplay_value: true,
    validation_type_system: 'hcl' as const,
    validation_value_type: 'string',
    validation_error: 'no',
    validation_condition: 'contains(["eu"], var.region)',
  }
  const request = await requestFor({ parse: [{ complete: { parameter_schemas: [schema, { name: 'bare' }] } }] })
  const { parameter_schemas } = await driver.parse(request)
  expect(parameter_schemas).toEqual([
    schema,
    {
      ...schema,
      name: 'bare',
      description: '',
      default_source_scheme: 'none',
      default_source_value: '',
      allow_override_source: false,
      default_destination_scheme: 'none',
      redisplay_value: false,
      validation_type_system: 'none',
      validation_value_type: '',
      validation_error: '',
      validation_condition: '',
    },
  ])
})

test('log lines come in order before the result', async () => {
  const request = await requestFor({
    parse: [{ log: { level: 'trace', output: 'one' } }, { log: { output: 'two' } }, { complete: {} }, { log: { output: 'never' } }],
  })
  await driver.parse(request)
  expect(request.lines).toEqual(['trace one', 'trace two'])
})

test('completing with an error is an expected failure with a state', async () => {
  const request = await requestFor({ apply: [{ complete: { error: 'broken', state: new Uint8Array([9]) } }] })
  const failure = await driver.apply(request).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(ProvisionError)
  expect(failure).toMatchObject({ message: 'broken', state: new Uint8Array([9]) })
})

test('an archive without a first message fails with "no state"', async () => {
  const request = await requestFor({ parse: [], plan: [], apply: [] })
  await expect(driver.parse(request)).rejects.toThrow('no state')
  await expect(driver.plan(request)).rejects.toThrow('no state')
  await expect(driver.apply(request)).rejects.toThrow('no state')
})

test('a parameter can make a plan fail, but not an apply', async () => {
  const request = await requestFor(undefined, {
    parameter_values: [{ name: 'echo.exec', value: 'error=oh no', destination_scheme: 'none' }],
  })
  await expect(driver.plan(request)).rejects.toThrow('returning error: oh no')
  await expect(driver.apply(request)).resolves.toBeDefined()
  const fine = { ...request, parameter_values: [{ name: 'echo.exec', value: 'success=', destination_scheme: 'none' as const }] }
  await expect(driver.plan(fine)).resolves.toBeDefined()
})

test('an archive with only log lines ignores a graceful cancel and ends when it is forced', async () => {
  const cancel = new AbortController()
  const force = new AbortController()
  const request = await requestFor({ apply: [{ log: { output: 'working' } }] }, { signal: cancel.signal, forceSignal: force.signal })
  let isOver = false
  const run = driver.apply(request).finally(() => {
    isOver = true
  })
  run.catch(() => {})
  cancel.abort()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(isOver).toBe(false)
  force.abort()
  await expect(run).rejects.toThrow('closed the stream')
})

test('a file that is not a message is named', async () => {
  const archive = echoArchive({ apply: [{ complete: { error: 'to be damaged' } }] })
  const at = Buffer.from(archive).indexOf('to be damaged') - 1
  archive[at] = 0x7f
  const request = await requestFor(archive)
  await expect(driver.plan(request)).rejects.toThrow(/^0\.provision\.plan\.protobuf does not contain a valid message: /)
})

test('the archive has no end-of-archive blocks, like the reference’s', () => {
  const archive = echoArchive()
  expect(archive.length % 512).toBe(0)
  expect(archive.subarray(-512).every((byte) => byte === 0)).toBe(false)
})
