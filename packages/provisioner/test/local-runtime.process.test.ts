import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { build as bundle } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { WorkspaceTransition } from '../src/driver.ts'
import type { WorkspaceLimits } from '../src/drivers/native/runtimes/local/confined-program.ts'
import { endProcesses } from '../src/drivers/native/runtimes/local/end-processes.ts'
import { LocalState } from '../src/drivers/native/runtimes/local/local-state.ts'
import type { NetworkSetting } from '../src/drivers/native/runtimes/local/network.ts'
import { findProgram } from '../src/drivers/native/runtimes/local/sandbox.ts'
import { listProcesses, readProcess, type ProcessInfo } from '../src/drivers/native/runtimes/local/processes.ts'
import { readRuntimeState } from '../src/drivers/native/runtimes/runtime-state.ts'
import type { BuildOrder, BuildOutcome } from './build-workspace.ts'

const run = promisify(execFile)
const fakeAgent = fileURLToPath(new URL('./fake-agent', import.meta.url))
const searchPath = '/usr/local/bin:/usr/bin:/bin'
const nobody = 65_534
const isRoot = process.getuid?.() === 0
const hasNameWrapper = (await run('/bin/sh', ['-c', 'LD_PRELOAD=libnss_wrapper.so id -u'])).stderr === ''
const hasBubblewrap = (await findProgram('bwrap', searchPath)) !== undefined

/** Why no network can be isolated here; undefined if it can. */
const whyShared = await whyNetworksAreShared()

/** Processes of a workspace that ignore every signal they can. */
const crowdSize = 1_500
/** What a stop of {@link crowdSize} processes may take, with 500 ms for ending gracefully. */
const stopLimitMs = 5_000
const blockedLimitMs = 250

interface Mode {
  readonly name: string
  readonly sandbox: 'off' | 'bubblewrap'
  /** The uid of the process that builds. */
  readonly uid: number
  readonly isRoot: boolean
  /** The kinds of processes that a stop finds in this mode. */
  readonly stubborn: readonly string[]
}

const common = ['child', 'session', 'daemon', 'stopped']
const modes: Mode[] = [
  {
    name: 'root, a uid for each workspace',
    sandbox: 'off' as const,
    uid: 0,
    isRoot: true,
    stubborn: [...common, 'stranger', 'hopping'],
  },
  { name: 'root, bubblewrap', sandbox: 'bubblewrap' as const, uid: 0, isRoot: true, stubborn: [...common, 'stranger', 'hopping'] },
  { name: 'not root', sandbox: 'off' as const, uid: nobody, isRoot: false, stubborn: common },
  {
    name: 'not root, bubblewrap',
    sandbox: 'bubblewrap' as const,
    uid: nobody,
    isRoot: false,
    stubborn: [...common, 'stranger', 'hopping'],
  },
]
  .map((mode) => (isRoot ? mode : { ...mode, uid: process.getuid?.() ?? 0 }))
  .filter((mode) => (isRoot || !mode.isRoot) && (hasBubblewrap || mode.sandbox === 'off'))

async function whyNetworksAreShared(): Promise<string | undefined> {
  if ((await findProgram('pasta', searchPath)) === undefined) return 'pasta is not installed'
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun'
  const routes = await readFile('/proc/net/route', 'utf8')
  if (!routes.split('\n').some((line) => line.split('\t')[1] === '00000000'))
    return 'there is no default route, which old versions of pasta need'
  const user = isRoot ? { uid: nobody, gid: nobody } : {}
  return await run('unshare', ['--user', '--map-root-user', '--net', 'true'], { ...user, cwd: '/' }).then(
    () => undefined,
    () => 'there are no user namespaces',
  )
}

let builderDirectory: string
let root: string
let workspaceId: string
let state: string

/** Bundles the builder once, readable by every user: compiling it took most of the time. */
beforeAll(async () => {
  builderDirectory = await mkdtemp(join(tmpdir(), 'berth-builder-'))
  await chmod(builderDirectory, 0o755)
  await bundle({
    entryPoints: [fileURLToPath(new URL('./build-workspace.ts', import.meta.url))],
    outfile: join(builderDirectory, 'build-workspace.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@berth/source'],
    // Packages written for require() expect to find it.
    banner: { js: `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)` },
    logLevel: 'warning',
  })
})
afterAll(async () => await rm(builderDirectory, { recursive: true, force: true }))

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-local-'))
  await chmod(root, 0o755)
  await mkdir(join(root, 'template'))
  await writeFile(
    join(root, 'template', 'template.yaml'),
    'name: test\nlocal: {}\nagents: [{ name: main, directory: "~" }]\nmetadata: [{ key: name, value: "${{ workspace.name }}" }]\n',
  )
  await mkdir(join(root, 'data'))
  await writeFile(join(root, 'leaked'), 'secret')
  workspaceId = randomUUID()
  state = ''
})

afterEach(async () => {
  await endProcesses({ find: async () => await everyProcessOf(workspaceId), graceMs: 0 })
  await rm(root, { recursive: true, force: true })
})

interface Changes {
  readonly sandbox?: 'auto'
  readonly searchPath?: string
  readonly agentDirectory?: string
  readonly state?: string
  readonly limits?: WorkspaceLimits
  readonly network?: NetworkSetting
  readonly serverPort?: number
  readonly accessUrl?: string
}

/**
 * Some machines let only root open the device for network interfaces. Opens it to everyone, as udev
 * does, for one builder.
 */
const openTun = [
  'device=$(mktemp -u) && mknod -m 666 "$device" c 10 200 && mount --bind "$device" /dev/net/tun; rm -f "$device"',
  'exec setpriv --reuid="$0" --regid="$0" --clear-groups "$@"',
].join('\n')

const noLimits: WorkspaceLimits = { processes: 0, openFiles: 0, fileSizeMiB: 0, memoryMiB: 0 }

async function build(mode: Mode, transition: WorkspaceTransition, changes: Changes = {}): Promise<BuildOutcome> {
  await chown(join(root, 'data'), mode.uid, mode.uid)
  const order: BuildOrder = {
    runtime: {
      workspacesDirectory: join(root, 'data', 'workspaces'),
      agentDirectory: changes.agentDirectory ?? fakeAgent,
      nodePath: process.execPath,
      sandbox: changes.sandbox ?? mode.sandbox,
      isRoot: mode.isRoot,
      searchPath: changes.searchPath ?? searchPath,
      limits: changes.limits ?? noLimits,
      ...(changes.network && { network: changes.network }),
      ...(changes.serverPort && { serverPort: changes.serverPort }),
      graceMs: 500,
    },
    directory: join(root, 'template'),
    transition,
    workspaceId,
    owner: 'Anna-1',
    accessUrl: changes.accessUrl ?? 'http://127.0.0.1:1',
    state: changes.state ?? state,
  }
  // The builder starts with descriptors open, as a server does whose launcher leaves some behind.
  const launcher = ['-c', 'exec 3<"$0" 30<"$0" 300<"$0"; exec "$@"', join(root, 'leaked'), process.execPath]
  const command = ['/bin/bash', ...launcher, join(builderDirectory, 'build-workspace.mjs'), JSON.stringify([order])]
  const { stdout } =
    isRoot && changes.network === 'isolated'
      ? await run('unshare', ['--mount', '/bin/sh', '-c', openTun, `${mode.uid}`, ...command], { cwd: '/' })
      : await run('/bin/bash', command.slice(1), { uid: mode.uid, gid: mode.uid, cwd: '/' })
  const [outcome] = JSON.parse(stdout) as BuildOutcome[] // printed by the builder
  if (outcome === undefined) throw new Error('the builder printed nothing')
  state = outcome.state
  return outcome
}

async function start(mode: Mode, changes?: Changes): Promise<BuildOutcome> {
  const outcome = await build(mode, 'start', changes)
  expect(outcome.error).toBeUndefined()
  return outcome
}

interface Report {
  readonly pid: number
  readonly ids: readonly number[]
  readonly groups: readonly number[]
  readonly cwd: string
  readonly env: Record<string, string>
  readonly descriptors: readonly (readonly [number, string])[]
  /** The descriptors of a process that the agent starts. */
  readonly inherited: readonly number[]
  readonly limits: string
  readonly hostname: string
  readonly status: string
  /** Whether each address that the orders name answered. */
  readonly reached: readonly boolean[]
  readonly looks: Record<string, unknown>
}

const homePath = (): string => join(root, 'data', 'workspaces', workspaceId, 'home')

async function report(): Promise<Report> {
  const path = join(homePath(), 'report-main.json')
  while (!existsSync(path)) await delay(10)
  return JSON.parse(await readFile(path, 'utf8')) as Report // written by the fake agent
}

/**
 * Starts and stops the workspace to create its home directory, and puts the orders for the agent
 * there.
 */
async function giveOrders(mode: Mode, orders: object): Promise<void> {
  await start(mode)
  await report()
  await build(mode, 'stop')
  await writeFile(join(homePath(), 'orders.json'), JSON.stringify(orders))
  await chmod(join(homePath(), 'orders.json'), 0o644)
  await rm(join(homePath(), 'report-main.json'))
}

/** Returns the limits in the text of `/proc/self/limits` that workspaces have: the hard ones. */
function limitsOf({ limits }: Pick<Report, 'limits'>): Record<string, number> {
  const names = ['processes', 'open files', 'file size', 'data size']
  return Object.fromEntries(names.map((name) => [name, Number(new RegExp(`^Max ${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(limits)?.[1])]))
}

/** Returns the processes that have the workspace's marker or its uid, seen from outside. */
async function everyProcessOf(id: string): Promise<ProcessInfo[]> {
  const uid = readRuntimeState(LocalState, new Uint8Array(Buffer.from(state, 'base64')))?.uid
  const all = await listProcesses()
  const marked = await Promise.all(
    all.map(async (entry) => {
      const environ = await readFile(`/proc/${entry.pid}/environ`, 'utf8').catch(() => '')
      return environ.includes(`BERTH_WORKSPACE_ID=${id}`) || (uid !== undefined && entry.uids.includes(uid)) ? [entry] : []
    }),
  )
  return marked.flat()
}

async function threadsOf(uid: number): Promise<number> {
  const processes = (await listProcesses()).filter(({ uids }) => uids[0] === uid)
  const threads = await Promise.all(processes.map(async ({ pid }) => await readdir(`/proc/${pid}/task`).catch(() => [])))
  return threads.flat().length
}

/** Returns the processes that run the loops of the fake agent, seen from outside. */
async function loops(): Promise<number[]> {
  const all = await listProcesses()
  const found = await Promise.all(
    all.map(async ({ pid }) => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return commandLine.includes(`: ${workspaceId}; trap '' TERM`) ? [pid] : []
    }),
  )
  return found.flat()
}

describe.each(modes.map((mode) => [mode.name, mode] as const))('%s', (_name, mode) => {
  test('a start runs an agent with its own token, and the agent inherits nothing', async () => {
    verifies('berth:local:no-descriptors')
    const { resources, log } = await start(mode)
    const { env, descriptors, inherited, pid, ids, groups, cwd } = await report()
    const [resource] = resources
    expect(resource).toMatchObject({ name: 'test', type: 'local_workspace', metadata: [{ key: 'name', value: 'dev' }] })
    const token = resource?.agents[0]?.token
    expect(token).toMatch(/^[0-9a-f-]{36}$/)
    const isInside = mode.sandbox === 'bubblewrap'
    const home = isInside ? '/home/anna-1' : homePath()
    const { PWD: _, ...own } = env
    const workspace = join(root, 'data', 'workspaces', workspaceId)
    // In a sandbox and without root, the uid has a name anyway.
    const needsName = mode.isRoot && !isInside
    const names = {
      LD_PRELOAD: 'libnss_wrapper.so',
      NSS_WRAPPER_PASSWD: join(workspace, 'passwd'),
      NSS_WRAPPER_GROUP: join(workspace, 'group'),
    }
    expect(own).toEqual({
      BERTH_AGENT_TOKEN: token,
      BERTH_AGENT_URL: 'http://127.0.0.1:1',
      BERTH_AGENT_NAME: 'main',
      BERTH_WORKSPACE_NAME: 'dev',
      BERTH_WORKSPACE_ID: workspaceId,
      BERTH_WORKSPACE_OWNER_NAME: 'Anna-1',
      HOME: home,
      USER: 'anna-1',
      LOGNAME: 'anna-1',
      SHELL: existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      TMPDIR: isInside ? '/tmp' : join(workspace, 'tmp'),
      BERTH_AGENT_PORTS: mode.isRoot || isInside ? 'visible' : 'marked',
      ...(needsName && hasNameWrapper && names),
    })
    expect(cwd).toBe(home)
    const foreign = descriptors.filter(
      ([, target]) => !/^(anon_inode:|pipe:|socket:|\/dev\/null$|\/proc\/|\/dev\/pts)/.test(target) && !target.endsWith('agent.log'),
    )
    expect(foreign).toEqual([])
    expect(inherited).toEqual([0, 1, 2])
    expect((await stat(join(workspace, 'agent.log'))).mode & 0o777).toBe(0o600)
    expect(log).toContain(isInside ? 'info Sandbox: bubblewrap' : 'info Sandbox: none (turned off)')
    const uid = readRuntimeState(LocalState, new Uint8Array(Buffer.from(state, 'base64')))?.uid
    expect(new Set(ids)).toEqual(new Set([uid ?? mode.uid]))
    const namelessLine = `info The uid ${uid} has no name in the workspace. Install bubblewrap or libnss-wrapper.`
    expect(log.includes(namelessLine)).toBe(needsName && !hasNameWrapper)
    if (mode.isRoot) expect(groups.filter((group) => group !== uid)).toEqual([])
    // Seen from outside, because inside a pid namespace a session of another namespace reads as 0.
    const sessions = (await everyProcessOf(workspaceId)).map(({ sessionId }) => sessionId)
    expect(sessions).not.toEqual([])
    expect(sessions).not.toContain((await readProcess(process.pid))?.sessionId)
    expect(pid).toBeGreaterThan(1)
  })

  test('the agent outlives the process that built it, and the token is not in the state', async () => {
    const { resources } = await start(mode)
    await report()
    expect(await everyProcessOf(workspaceId)).not.toEqual([])
    expect(Buffer.from(state, 'base64').toString()).not.toContain(resources[0]?.agents[0]?.token ?? 'no token')
  })

  test('a stop ends every process, even stubborn ones, and keeps the home directory', async () => {
    await giveOrders(mode, { stubborn: mode.stubborn, ignoreTerm: true })
    await start(mode)
    await report()
    while ((await loops()).length < 3) await delay(10)
    const { error, log } = await build(mode, 'stop')
    expect(error).toBeUndefined()
    expect(log.at(-1)).toMatch(/^info Ended \d+ processes\.$/)
    expect(await loops()).toEqual([])
    expect(await everyProcessOf(workspaceId)).toEqual([])
    expect(existsSync(join(homePath(), 'orders.json'))).toBe(true)
    const again = await build(mode, 'stop')
    expect(again).toMatchObject({ log: ['info The workspace was not running.'] })
  })

  test('a stop takes no longer with many processes that ignore signals, and holds nothing else up', async () => {
    verifies('berth:local:stop-in-bounded-time')
    await giveOrders(mode, { crowd: crowdSize })
    await start(mode)
    await report()
    while ((await everyProcessOf(workspaceId)).length < crowdSize) await delay(100)
    const { error, applyMs, blockedMs } = await build(mode, 'stop')
    expect(error).toBeUndefined()
    expect(await everyProcessOf(workspaceId)).toEqual([])
    expect(applyMs).toBeLessThan(stopLimitMs)
    expect(blockedMs).toBeLessThan(blockedLimitMs)
  })

  test('the log of a stop counts in words', async () => {
    await start(mode)
    await report()
    // The agent alone, or with the two processes of bubblewrap.
    expect((await build(mode, 'stop')).log.at(-1)).toBe(`info Ended ${mode.sandbox === 'off' ? '1 process' : '3 processes'}.`)
  })

  test('a start of a running workspace replaces its processes', async () => {
    const first = await start(mode)
    await report()
    const before = await everyProcessOf(workspaceId)
    await rm(join(homePath(), 'report-main.json'))
    const second = await start(mode, { state: '' }) // as if the server had been killed before it stored the state
    await report()
    const after = await everyProcessOf(workspaceId)
    expect(after.length).toBeGreaterThan(0)
    expect(after.filter(({ pid }) => before.some((entry) => entry.pid === pid))).toEqual([])
    expect(second.resources[0]?.agents[0]?.token).not.toBe(first.resources[0]?.agents[0]?.token)
  })

  test('a delete removes the home directory and follows no links out of it', async () => {
    const outside = join(root, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'precious'), 'x')
    await chmod(outside, 0o777)
    await start(mode)
    await report()
    const deep = join(homePath(), 'locked', 'deep')
    await mkdir(deep, { recursive: true })
    await symlink(outside, join(homePath(), 'link'))
    await symlink(outside, join(deep, 'link'))
    const owner = (await lstat(homePath())).uid
    await run('chown', ['-hR', `${owner}:${owner}`, homePath()])
    await chmod(join(homePath(), 'locked'), 0o000)
    const { error, resources } = await build(mode, 'delete')
    expect(error).toBeUndefined()
    expect(resources).toEqual([])
    expect(existsSync(join(root, 'data', 'workspaces', workspaceId))).toBe(false)
    expect(await readdir(outside)).toEqual(['precious'])
    expect(await everyProcessOf(workspaceId)).toEqual([])
    if (mode.isRoot) expect(await readdir(join(root, 'data', 'workspaces', 'uids'))).toEqual([])
    expect((await build(mode, 'delete')).error).toBeUndefined()
  })

  test('a delete without state ends all processes and keeps the files', async () => {
    await start(mode)
    await report()
    const { log } = await build(mode, 'delete', { state: '' })
    expect(log.at(-1)).toContain('Its files remain in')
    expect(existsSync(homePath())).toBe(true)
    expect(await everyProcessOf(workspaceId)).toEqual([])
  })

  test('with a uid or a sandbox, a workspace cannot read other workspaces or files of the server', async () => {
    const secret = join(root, 'data', 'secret')
    await writeFile(secret, 'x')
    await chmod(secret, 0o600)
    await chown(secret, mode.uid, mode.uid)
    const workspaces = join(root, 'data', 'workspaces')
    const other = join(workspaces, randomUUID())
    await giveOrders(mode, {
      look: [secret, workspaces, other, join(other, 'home'), join(workspaces, 'uids'), '/proc/1/environ', '/etc/shadow'],
    })
    await mkdir(join(other, 'home'), { recursive: true })
    await chmod(other, 0o710)
    await chown(other, mode.uid, mode.uid)
    await start(mode)
    const { looks } = await report()
    // Without either, nothing separates a workspace from the server, as the README says.
    const isOpen = mode.sandbox === 'off' && !mode.isRoot
    for (const path of [secret, workspaces, other, join(other, 'home')]) {
      if (isOpen) expect(String(looks[path])).not.toMatch(/^E/)
      else expect(looks[path]).toMatch(/^(EACCES|ENOENT)$/)
    }
    expect(looks['/etc/shadow']).toMatch(/^(EACCES|ENOENT)$/)
    if (mode.isRoot && mode.sandbox === 'off') expect(looks['/proc/1/environ']).toBe('EACCES')
  })

  test('a workspace has limits, and none where the setting is 0', async () => {
    verifies('berth:local:limits')
    await start(mode, { limits: { processes: 4_000, openFiles: 300, fileSizeMiB: 3, memoryMiB: 2_000 } })
    const limited = limitsOf(await report())
    expect(limited).toEqual({ processes: 4_000, 'open files': 300, 'file size': 3 * 2 ** 20, 'data size': 2_000 * 2 ** 20 })
    await rm(join(homePath(), 'report-main.json'))
    await start(mode, { limits: noLimits })
    expect(limitsOf(await report())).toEqual(limitsOf({ limits: await readFile('/proc/self/limits', 'utf8') }))
  })

  test('a fork bomb ends at the limit, the machine goes on, and a stop ends it', async () => {
    verifies('berth:local:limits')
    await giveOrders(mode, { bomb: true })
    // A uid or a user namespace of its own starts at 0. Otherwise the rest of the user counts, too.
    const others = mode.isRoot || mode.sandbox === 'bubblewrap' ? 0 : await threadsOf(mode.uid)
    await start(mode, { limits: { ...noLimits, processes: others + 100 } })
    await report()
    const counts: number[] = []
    while (counts.length < 10) counts.push((await everyProcessOf(workspaceId)).length)
    expect(Math.max(...counts)).toBeGreaterThan(30)
    expect(Math.max(...counts)).toBeLessThan(150)
    expect((await build(mode, 'stop')).error).toBeUndefined()
    expect(await everyProcessOf(workspaceId)).toEqual([])
  })

  if (mode.sandbox === 'bubblewrap') {
    test('a sandbox has its own processes, host name, accounts and temporary files, and no other rights', async () => {
      await giveOrders(mode, { look: ['/proc', '/etc/passwd', '/tmp', '/', '/home', '/root', '/var', '/run', '/usr/bin/env'] })
      await start(mode)
      const { looks, hostname, status } = await report()
      const processes = (looks['/proc'] as string[]).filter((name) => /^[0-9]+$/.test(name)) // a listing
      expect(processes.length).toBeLessThanOrEqual(4)
      expect(hostname).toBe('dev')
      expect(looks['/etc/passwd']).toMatch(/^root:.*\nanna-1:x:\d+:\d+::\/home\/anna-1:/)
      expect(looks['/tmp']).toEqual([])
      expect(looks['/home']).toEqual(['anna-1'])
      expect(looks['/root']).toBe('ENOENT')
      expect(looks['/run']).toEqual(['berth'])
      expect(status).toMatch(/^NoNewPrivs:\s*1$/m)
      expect(status).toMatch(/^CapEff:\s*0+$/m)
      expect(status).toMatch(/^CapBnd:\s*0+$/m)
    })
  } else {
    test('without bubblewrap, the setting "auto" logs that and starts', async () => {
      const { log } = await start(mode, { sandbox: 'auto', searchPath: '/nowhere' })
      expect(log).toContain('info Sandbox: none (bubblewrap is not installed)')
    })
  }

  if (mode.sandbox === 'bubblewrap') {
    test('without bubblewrap, the setting "bubblewrap" starts no workspace', async () => {
      const { error } = await build(mode, 'start', { searchPath: '/nowhere' })
      expect(error).toBe(
        "can't run the workspace in a sandbox: bubblewrap is not installed; install bubblewrap or change the sandbox setting",
      )
      expect(await everyProcessOf(workspaceId)).toEqual([])
    })
  }

  test('the path of a missing agent is named', async () => {
    const { error } = await build(mode, 'start', { agentDirectory: join(root, 'no-agent') })
    expect(error).toContain(`the agent is missing: can't read ${join(root, 'no-agent', 'main.js')}`)
  })

  test('a running agent keeps the files it was started from', async () => {
    const agentDirectory = join(root, 'built')
    await cp(fakeAgent, agentDirectory, { recursive: true })
    await start(mode, { agentDirectory })
    await report()
    await rm(agentDirectory, { recursive: true })
    const copies = await readdir(join(root, 'data', 'agent'))
    expect(copies).toHaveLength(1)
    expect(await readdir(join(root, 'data', 'agent', copies[0] ?? ''))).toEqual(['main.js', 'package.json'])
  })
})

if (isRoot && hasBubblewrap) {
  describe('root, bubblewrap, a data directory that other users cannot enter', () => {
    const mode: Mode = { name: '', sandbox: 'bubblewrap', uid: 0, isRoot: true, stubborn: [...common, 'stranger', 'hopping'] }

    beforeEach(async () => {
      await chmod(join(root, 'data'), 0o700)
    })

    test('root creates the sandbox, and the agent in it has no privileges', async () => {
      await giveOrders(mode, { look: ['/proc', '/tmp', '/home/anna-1'], stubborn: mode.stubborn, ignoreTerm: true })
      await start(mode)
      const { ids, status, looks } = await report()
      const uid = readRuntimeState(LocalState, new Uint8Array(Buffer.from(state, 'base64')))?.uid
      expect(new Set(ids)).toEqual(new Set([uid]))
      expect(status).toMatch(/^NoNewPrivs:\s*1$/m)
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) expect(status).toMatch(new RegExp(`^Cap${set}:\\s*0+$`, 'm'))
      expect(looks['/tmp']).toEqual([])
      expect(looks['/home/anna-1']).toContain('orders.json')
      while ((await loops()).length < 3) await delay(10)
      expect((await build(mode, 'stop')).error).toBeUndefined()
      expect(await loops()).toEqual([])
      expect(await everyProcessOf(workspaceId)).toEqual([])
    })

    test('without bubblewrap, the closed directory is named', async () => {
      const { error } = await build(mode, 'start', { sandbox: 'auto', searchPath: '/nowhere' })
      expect(error).toBe(
        `the uids of workspaces can't enter ${join(root, 'data')}; run chmod o+x on it, or keep workspaces in another directory`,
      )
    })
  })
}

/** A mode that needs neither root nor bubblewrap. */
const plainMode: Mode = {
  name: 'not root',
  sandbox: 'off',
  uid: isRoot ? nobody : (process.getuid?.() ?? 0),
  isRoot: false,
  stubborn: common,
}

describe.skipIf(whyShared !== undefined)(`with an isolated network${whyShared === undefined ? '' : ` (not tested: ${whyShared})`}`, () => {
  const servers: Server[] = []
  const listen = async (host: string): Promise<number> => {
    const server = createServer((socket) => socket.on('error', () => {}).end())
    servers.push(server)
    await once(server.listen(0, host), 'listening')
    return (server.address() as AddressInfo).port // of a TCP server
  }
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  test.each(modes.map((mode) => [mode.name, mode] as const))(
    '%s: a workspace reaches the server and nothing else, and a stop ends everything',
    async (_name, mode) => {
      verifies('berth:local:isolated-network')
      const [server, other, open] = [await listen('127.0.0.1'), await listen('127.0.0.1'), await listen('0.0.0.0')]
      const places = [['127.0.0.1', server], ['127.0.0.1', other], ['127.0.0.1', open], ...external.map((address) => [address, open])]
      await giveOrders(mode, { reach: places, stubborn: mode.stubborn })
      const { log } = await start(mode, { network: 'isolated', accessUrl: `http://127.0.0.1:${server}` })
      const { reached, ids, env, status, inherited, cwd } = await report()
      expect(reached).toEqual(places.map((_, index) => index === 0))
      expect(log).toContain(`info Network: isolated (only the server, at http://127.0.0.1:${server})`)
      expect(env['BERTH_AGENT_URL']).toBe(`http://127.0.0.1:${server}`)
      const uid = readRuntimeState(LocalState, new Uint8Array(Buffer.from(state, 'base64')))?.uid
      expect(new Set(ids)).toEqual(new Set([uid ?? mode.uid]))
      expect(status).toMatch(/^CapEff:\s+0+$/m)
      expect(inherited).toEqual([0, 1, 2])
      expect(cwd).toBe(mode.sandbox === 'bubblewrap' ? '/home/anna-1' : homePath())
      expect((await build(mode, 'stop')).error).toBeUndefined()
      expect(await everyProcessOf(workspaceId)).toEqual([])
      const pastas = (await listProcesses()).map(async ({ pid }) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
      expect((await Promise.all(pastas)).filter((line) => line.includes(`\0${server}\0`))).toEqual([])
    },
  )

  test('a server with a URL elsewhere is reached at its port on this machine', async () => {
    verifies('berth:local:isolated-network')
    const [server, mode] = [await listen('127.0.0.1'), plainMode]
    await giveOrders(mode, { reach: [['127.0.0.1', server]] })
    const changes = { network: 'isolated', accessUrl: 'https://berth.example.com' } as const
    await start(mode, { ...changes, serverPort: server })
    const { reached, env } = await report()
    expect({ reached, url: env['BERTH_AGENT_URL'] }).toEqual({ reached: [true], url: `http://127.0.0.1:${server}` })
    expect((await build(mode, 'start', changes)).error).toContain("the server at https://berth.example.com doesn't listen for HTTP")
  })
})

test('without pasta, an isolated network starts no workspace', async () => {
  verifies('berth:local:isolated-network')
  const { error } = await build(plainMode, 'start', { network: 'isolated', searchPath: '/nowhere', accessUrl: 'http://127.0.0.1:1' })
  expect(error).toBe("can't isolate the network of the workspace: pasta is not installed; install passt")
})
