import { mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { extractArchive } from './extract-archive.ts'
import { createArchive } from './create-archive.ts'

let parent: string
let directory: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'berth-create-'))
  directory = join(parent, 'template')
  await mkdir(directory)
  await writeFile(join(directory, 'template.yaml'), 'local: {}\n')
})

afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

test('a packed folder extracts to the same files, without hidden files and Terraform state', async () => {
  await mkdir(join(directory, 'a', 'deep'), { recursive: true })
  await mkdir(join(directory, '.git'))
  await writeFile(join(directory, '.git', 'config'), 'x')
  await writeFile(join(directory, '.env'), 'x')
  await writeFile(join(directory, 'a', 'deep', 'file'), 'content')
  await writeFile(join(directory, 'terraform.tfstate'), 'x')
  await writeFile(join(directory, 'terraform.tfstate.backup'), 'x')
  await symlink('/etc/passwd', join(directory, 'link'))
  const out = join(parent, 'out')
  await mkdir(out)
  await extractArchive(await createArchive(directory), out)
  expect((await readdir(out, { recursive: true })).sort()).toEqual(['a', 'a/deep', 'a/deep/file', 'template.yaml'])
  expect(await readFile(join(out, 'a', 'deep', 'file'), 'utf8')).toBe('content')
})

test('the same files give the same archive, whenever they were written', async () => {
  const before = await createArchive(directory)
  await utimes(join(directory, 'template.yaml'), 1, 1)
  expect(await createArchive(directory)).toEqual(before)
})

test.each(['template.yaml', 'main.tf'])('a folder with a %s is a template', async (name) => {
  await rm(join(directory, 'template.yaml'))
  await writeFile(join(directory, name), '')
  await expect(createArchive(directory)).resolves.toBeInstanceOf(Uint8Array)
})

test('a folder without such a file is refused with its full path', async () => {
  await rm(join(directory, 'template.yaml'))
  await mkdir(join(directory, 'below'))
  await writeFile(join(directory, 'below', 'main.tf'), '')
  await expect(createArchive(directory)).rejects.toThrow(`${directory} is not a template`)
  await expect(createArchive(join(parent, 'absent'))).rejects.toThrow(`can't read ${join(parent, 'absent')}`)
})

test('a template of 1 MiB is too big, and one byte less is not', async () => {
  await writeFile(join(directory, 'template.yaml'), '')
  await writeFile(join(directory, 'a'), 'x'.repeat(512 * 1024))
  await writeFile(join(directory, 'b'), 'x'.repeat(512 * 1024 - 1))
  await expect(createArchive(directory)).resolves.toBeInstanceOf(Uint8Array)
  await writeFile(join(directory, 'b'), 'x'.repeat(512 * 1024))
  await expect(createArchive(directory)).rejects.toThrow(/^Archive too big: .*smaller than 1 MiB in total, and .*\/b exceeds that/)
})
