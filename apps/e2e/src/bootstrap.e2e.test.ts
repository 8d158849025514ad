import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bootstrapScript, wireArchitecture, type AgentArchitecture } from '@berth/provisioner'
import { echoArchive } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import type { Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FIRST_USER, createDeployment, type Deployment } from './deployment.ts'

/* Machines without Berth: they get only a script and an agent token from a template. */

const architecture = wireArchitecture(process.arch) as AgentArchitecture // of one that agents are made for, or nothing here runs
/** What a script may count on besides a program that fetches. */
const basics = ['sh', 'mktemp', 'chmod', 'sleep', 'rm']

let deployment: Deployment
let client: Client
let organization: string
let machine: string
let running: ChildProcess | undefined

beforeAll(async () => {
  deployment = await createDeployment({ BERTH_ECHO_PROVISIONER: 'true' })
  client = await deployment.signIn()
  organization = (await client.organizations.listOfUser({ params: { user: 'me' } }))[0]?.id ?? ''
  const { email, password } = FIRST_USER
  const { session_token } = await client.sessions.login({ body: { email, password } })
  expect(await deployment.berth(['login', deployment.server.url, '--token', session_token])).toMatchObject({ exitCode: 0 })
  machine = await mkdtemp(join(tmpdir(), 'berth-machine-'))
}, 120_000)
afterEach(async () => {
  if (running !== undefined && running.exitCode === null && running.signalCode === null) {
    process.kill(-(running.pid ?? 0), 'SIGKILL')
    await once(running, 'close')
  }
})
afterAll(async () => {
  await deployment.remove()
  await rm(machine, { recursive: true, force: true })
})

/** A workspace whose machine is told the token of its agent by whoever made it. */
async function workspaceWithAgent(name: string): Promise<{ token: string; agent: string }> {
  const token = crypto.randomUUID()
  const resources = [{ name: 'machine', type: 'machine', agents: [{ name: 'main', token }] }]
  const { hash } = await client.files.upload({ body: echoArchive({ apply: [{ complete: { resources } }] }) })
  const version = await client.templateVersions.create({
    params: { organization },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo' },
  })
  await eventually(async () => (await client.templateVersions.get({ params: { templateversion: version.id } })).job.completed_at)
  const template = await client.templates.create({ params: { organization }, body: { name, template_version_id: version.id } })
  const workspace = await client.workspaces.create({ params: { organization, user: 'me' }, body: { template_id: template.id, name } })
  const ended = await eventually(async () => {
    const build = await client.builds.get({ params: { workspacebuild: workspace.latest_build.id } })
    return build.job.completed_at === undefined ? undefined : build
  })
  return { token, agent: ended.resources[0]?.agents?.[0]?.id ?? '' }
}

function find(program: string): string | undefined {
  return ['/usr/bin', '/bin'].map((place) => join(place, program)).find((path) => existsSync(path))
}

/** A machine that has nothing but the named programs, and runs the script as the first thing. */
async function boot(script: string, programs: readonly string[], environment: Record<string, string>): Promise<() => string> {
  const folder = await mkdtemp(join(machine, 'run-'))
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await mkdir(join(folder, 'tmp'))
  for (const program of [...basics, ...programs]) {
    const path = find(program)
    if (path === undefined) throw new Error(`${program} is not installed here`)
    await symlink(path, join(bin, program))
  }
  running = spawn(join(bin, 'sh'), ['-c', script], {
    cwd: folder,
    env: { PATH: bin, HOME: folder, TMPDIR: join(folder, 'tmp'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [running.stdout, running.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return () => output
}

describe.each(['curl', 'wget', 'busybox'])('with %s', (program) => {
  test.skipIf(find(program) === undefined)(
    'a machine fetches its agent, which connects and gives a shell',
    { timeout: 120_000 },
    async () => {
      verifies('deployment:agent-bootstrap', 'deployment:agent-binaries')
      const name = `machine-${program}`
      const { token, agent } = await workspaceWithAgent(name)
      const script = bootstrapScript({ system: 'linux', architecture, accessUrl: deployment.server.url, auth: 'token' })
      const output = await boot(script, [program], { CODER_AGENT_TOKEN: token })
      const isConnected = async (): Promise<true | undefined> =>
        (await client.agents.get({ params: { workspaceagent: agent } })).status === 'connected' || undefined
      await eventually(isConnected, { timeoutMs: 60_000 }).catch((error: unknown) => {
        throw new Error(`the agent did not connect; the machine said:\n${output()}`, { cause: error })
      })
      const { stdout, exitCode, stderr } = await deployment.berth(['ssh', name, '--', 'echo on $((40+2)); exit 7'])
      expect([stdout, exitCode], stderr).toEqual(['on 42\n', 7])
    },
  )
})

test('where nothing can fetch, the machine says so and stays to be looked at', async () => {
  verifies('deployment:agent-bootstrap')
  const script = bootstrapScript({ system: 'linux', architecture, accessUrl: deployment.server.url, auth: 'token' })
  const output = await boot(script, [], { CODER_AGENT_TOKEN: 'any' })
  await eventually(async () => await Promise.resolve(output().includes('This process stays') || undefined))
  expect(output()).toMatch(/neither curl nor wget nor busybox[\s\S]*status 127/)
  expect(running?.exitCode).toBeNull()
})

test('what was made for them is kept, and listed', async () => {
  verifies('deployment:agent-binaries')
  const listing = await (await fetch(`${deployment.server.url}/bin/`)).text()
  expect(listing).toContain(`coder-linux-${architecture}<`)
  expect(await readdir(join(deployment.dataDirectory, 'cache', 'bin'))).toEqual([expect.stringMatching(/^\.made-/)])
})
