import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TemplateRuntime } from '@berth/schema'
import type { ApplyRequest, WorkspaceTransition } from '../../driver.ts'
import { writeRuntimeState } from './runtimes/runtime-state.ts'
import type { Runtime, RuntimeRequest, RuntimeStart } from './runtimes/runtime.ts'
import { createNativeDriver } from './native-driver.ts'

/* Which runtime a build goes to, and what it receives. Each runtime has tests of its own. */

interface Call {
  readonly runtime: TemplateRuntime
  readonly method: keyof Runtime
  readonly request: RuntimeRequest | RuntimeStart
}

let directory: string
let calls: Call[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-native-'))
  calls = []
})
afterEach(async () => await rm(directory, { recursive: true, force: true }))

const stateOf = (runtime: TemplateRuntime): Uint8Array => writeRuntimeState({ version: 1, runtime })

function recorder(runtime: TemplateRuntime): Runtime {
  return {
    resourceType: `${runtime}_workspace`,
    machine: { os: 'linux', arch: 'amd64' },
    async start(request) {
      calls.push({ runtime, method: 'start', request })
      return await Promise.resolve(stateOf(runtime))
    },
    async stop(request) {
      calls.push({ runtime, method: 'stop', request })
      return await Promise.resolve(stateOf(runtime))
    },
    async delete(request) {
      calls.push({ runtime, method: 'delete', request })
      await Promise.resolve()
    },
  }
}

const driver = createNativeDriver({
  runtimes: { local: recorder('local'), kubernetes: recorder('kubernetes') },
  newToken: () => 'fresh',
})

const onKubernetes = `
parameters: [{ name: team, validation: { regex: "^[a-z]+$" } }]
kubernetes:
  namespace: \${{ parameters.team }}-of-\${{ workspace.owner }}
  image: debian:12
  tolerations: [{ key: "\${{ parameters.team }}" }]
agents: [{ name: main }]
`
const onLocal = 'local: {}\nagents: [{ name: main }]'

async function orderOf(transition: WorkspaceTransition, template: string | undefined, changes: Partial<ApplyRequest> = {}) {
  if (template !== undefined) await writeFile(join(directory, 'template.yaml'), template)
  const log: string[] = []
  const order: ApplyRequest = {
    directory,
    log: async (_, line) => await Promise.resolve(void log.push(line)),
    signal: new AbortController().signal,
    forceSignal: new AbortController().signal,
    metadata: {
      access_url: 'https://berth.example.com',
      workspace_transition: transition,
      workspace_name: 'dev',
      workspace_id: 'id',
      workspace_owner: 'ada',
      workspace_owner_id: 'owner',
      workspace_owner_email: 'ada@example.com',
    },
    parameter_values: [{ name: 'team', value: 'web', destination_scheme: 'provisioner_variable' }],
    state: new Uint8Array(),
    plan: new Uint8Array(),
    ...changes,
  }
  return { order, log }
}

test('a start goes to the runtime of the template, with its references filled in and new tokens', async () => {
  const { order } = await orderOf('start', onKubernetes)
  const { resources, state } = await driver.apply(order)
  expect(calls).toMatchObject([{ runtime: 'kubernetes', method: 'start' }])
  expect(calls[0]?.request).toMatchObject({
    blocks: { kubernetes: { namespace: 'web-of-ada', image: 'debian:12', tolerations: [{ key: 'web' }] } },
    agents: [{ name: 'main', token: 'fresh' }],
  })
  expect(resources).toMatchObject([{ type: 'kubernetes_workspace', agents: [{ token: 'fresh' }] }])
  expect(state).toEqual(stateOf('kubernetes'))
})

describe.each(['stop', 'delete'] as const)('a %s goes', (transition) => {
  test('to the runtime that the state names, whatever the template says now', async () => {
    const { order } = await orderOf(transition, onLocal, { state: stateOf('kubernetes') })
    await driver.apply(order)
    expect(calls).toMatchObject([{ runtime: 'kubernetes', method: transition, request: { blocks: { local: {} } } }])
  })

  test('there even if the template cannot be read', async () => {
    const { order } = await orderOf(transition, 'nonsense', { state: stateOf('kubernetes') })
    await driver.apply(order)
    expect(calls).toMatchObject([{ runtime: 'kubernetes', method: transition, request: { blocks: {} } }])
  })

  test('to the runtime of the template if there is no state', async () => {
    const { order } = await orderOf(transition, onKubernetes)
    await driver.apply(order)
    expect(calls).toMatchObject([
      { runtime: 'kubernetes', method: transition, request: { blocks: { kubernetes: { namespace: 'web-of-ada' } } } },
    ])
  })

  test('to the local runtime if there is neither state nor template', async () => {
    const { order, log } = await orderOf(transition, undefined)
    await driver.apply(order)
    expect(calls).toMatchObject([{ runtime: 'local', method: transition }])
    expect(log).toEqual(transition === 'stop' ? [expect.stringContaining('template.yaml is missing')] : [])
  })
})

test('a workspace does not move to another runtime, which lacks its files', async () => {
  const { order } = await orderOf('start', onKubernetes, { state: stateOf('local') })
  await expect(driver.apply(order)).rejects.toThrow(
    'the template runs workspaces on "kubernetes", but the files of this workspace are on "local"; use a template version with the runtime local, or create a new workspace',
  )
  expect(calls).toEqual([])
})

test('an unreadable state is left to the runtime to refuse', async () => {
  const { order } = await orderOf('start', onLocal, { state: new TextEncoder().encode('not JSON') })
  await driver.apply(order)
  expect(calls).toMatchObject([{ runtime: 'local', method: 'start' }])
})

test('importing a template fails when the provisioner lacks its runtime', async () => {
  const { order } = await orderOf('start', onKubernetes)
  const other = createNativeDriver({ runtimes: { local: recorder('local') } })
  await expect(other.plan(order)).rejects.toThrow('this provisioner has no runtime "kubernetes"; it has: local')
})

test('workspaces cannot override the parameters of the template', async () => {
  const { order } = await orderOf('start', `parameters: [{ name: a, scope: template }, { name: b }]\n${onLocal}`)
  const { parameter_schemas } = await driver.parse(order)
  expect(parameter_schemas.map(({ name, allow_override_source }) => [name, allow_override_source])).toEqual([
    ['a', false],
    ['b', true],
  ])
})
