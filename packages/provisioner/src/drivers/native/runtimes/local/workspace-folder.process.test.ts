import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLog, prepareFolder, removeFolder, workspaceFolder } from './workspace-folder.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-folder-'))
})

afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

const id = '0d08319c-2c8d-48dd-b3f1-5bdbf29f1a48'

test.each(['', '..', '../../etc', 'not-a-uuid', id.toUpperCase(), `${id}/..`])('%j is not a workspace ID', (workspaceId) => {
  expect(() => workspaceFolder(root, workspaceId)).toThrow("isn't a valid workspace ID")
})

test('the home directory is kept, and temporary files are not', async () => {
  const folder = workspaceFolder(root, id)
  await prepareFolder(folder, undefined)
  expect((await stat(folder.home)).mode & 0o777).toBe(0o700)
  await writeFile(join(folder.home, 'kept'), '')
  await writeFile(join(folder.tmp, 'gone'), '')
  await prepareFolder(folder, undefined)
  expect(await readdir(folder.home)).toEqual(['kept'])
  expect(await readdir(folder.tmp)).toEqual([])
  await removeFolder(folder)
  await removeFolder(folder)
  expect(await readdir(root)).toEqual([])
})

test('a long log is renamed', async () => {
  const folder = workspaceFolder(root, id)
  await prepareFolder(folder, undefined)
  await writeFile(folder.log, 'x'.repeat(1024 * 1024 + 1))
  const log = await openLog(folder)
  await log.writeFile('new')
  await log.close()
  expect(await readFile(folder.log, 'utf8')).toBe('new')
  expect((await stat(`${folder.log}.1`)).size).toBe(1024 * 1024 + 1)
})

test('a tree with paths longer than the system allows is removed', async () => {
  const folder = workspaceFolder(root, id)
  await prepareFolder(folder, undefined)
  const name = 'd'.repeat(200)
  const before = process.cwd()
  // Longer paths can only be created step by step.
  try {
    process.chdir(folder.home)
    for (let depth = 0; depth < 30; depth += 1) {
      await mkdir(name)
      process.chdir(name)
    }
  } finally {
    process.chdir(before)
  }
  await removeFolder(folder)
  expect(await readdir(root)).toEqual([])
})
