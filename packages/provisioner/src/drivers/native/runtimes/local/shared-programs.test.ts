import { chmod, cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { firstClosedDirectory, sharePrograms } from './shared-programs.ts'

let root: string
let agentDirectory: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-programs-'))
  await chmod(root, 0o755)
  agentDirectory = join(root, 'agent-dist')
  await mkdir(join(agentDirectory, 'node_modules', 'native'), { recursive: true })
  await writeFile(join(agentDirectory, 'main.js'), 'main')
  await writeFile(join(agentDirectory, 'node_modules', 'native', 'addon.node'), 'addon')
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const share = async (nodePath: string, hasOwnUids = true): ReturnType<typeof sharePrograms> =>
  await sharePrograms({ agentDirectory, nodePath, directory: join(root, 'shared'), hasOwnUids })

async function install(folder: string, manifest: object): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'index.js'), folder)
}

test('the agent is copied once for each content, readable for every user', async () => {
  await chmod(agentDirectory, 0o700)
  await chmod(join(agentDirectory, 'main.js'), 0o600)
  await symlink('main.js', join(agentDirectory, 'linked.js'))
  const first = await share(process.execPath)
  expect(await readFile(join(first.agentDirectory, 'node_modules', 'native', 'addon.node'), 'utf8')).toBe('addon')
  expect(await readFile(join(first.agentDirectory, 'linked.js'), 'utf8')).toBe('main')
  expect((await stat(first.agentDirectory)).mode & 0o777).toBe(0o755)
  expect((await stat(join(first.agentDirectory, 'main.js'))).mode & 0o777).toBe(0o644)
  expect(await share(process.execPath)).toEqual(first)
  await writeFile(join(agentDirectory, 'main.js'), 'changed')
  expect((await share(process.execPath)).agentDirectory).not.toBe(first.agentDirectory)
  expect(await readFile(join(first.agentDirectory, 'main.js'), 'utf8')).toBe('main')
})

test('packages that are installed around the agent are copied with it, those for other machines are not needed', async () => {
  await writeFile(join(agentDirectory, 'package.json'), JSON.stringify({ type: 'module', dependencies: { '@scope/outer': '1' } }))
  const optionalDependencies = { 'outer-here': '1', 'outer-elsewhere': '1' }
  // As pnpm does it: a link to a folder that has its dependencies beside it.
  const store = join(root, 'store/node_modules')
  await install(join(store, '@scope/outer'), { optionalDependencies })
  await install(join(store, 'outer-here'), { dependencies: { '@scope/outer': '1' } })
  await mkdir(join(root, 'node_modules/@scope'), { recursive: true })
  await symlink(join(store, '@scope/outer'), join(root, 'node_modules/@scope/outer'))
  const first = await share(process.execPath)
  const copied = join(first.agentDirectory, 'node_modules')
  expect((await readdir(copied)).toSorted()).toEqual(['@scope', 'native', 'outer-here'])
  expect(await readFile(join(copied, '@scope/outer/index.js'), 'utf8')).toBe(join(store, '@scope/outer'))
  expect((await stat(join(copied, '@scope'))).mode & 0o777).toBe(0o755)
  await writeFile(join(store, 'outer-here/index.js'), 'changed')
  expect((await share(process.execPath)).agentDirectory).not.toBe(first.agentDirectory)
})

test('concurrent calls make one copy and leave nothing unfinished', async () => {
  const shared = await Promise.all(Array.from({ length: 8 }, async () => await share(process.execPath)))
  expect(new Set(shared.map((each) => each.agentDirectory)).size).toBe(1)
  expect(await readdir(join(root, 'shared'))).toHaveLength(1)
})

test('Node.js is copied only if other users cannot run it', async () => {
  const closed = join(root, 'closed')
  await mkdir(closed, { mode: 0o700 })
  await cp('/bin/true', join(closed, 'node'))
  const { nodePath } = await share(join(closed, 'node'))
  expect(nodePath.startsWith(join(root, 'shared', 'node-'))).toBe(true)
  expect((await stat(nodePath)).mode & 0o777).toBe(0o755)
  expect((await share(join(closed, 'node'), false)).nodePath).toBe(join(closed, 'node'))
  expect(await firstClosedDirectory(join(closed, 'node'))).toBe(closed)
})

test('the path of a missing agent is named', async () => {
  await rm(join(agentDirectory, 'main.js'))
  await expect(share(process.execPath)).rejects.toThrow(`can't read ${join(agentDirectory, 'main.js')}; build it or correct the setting`)
})
