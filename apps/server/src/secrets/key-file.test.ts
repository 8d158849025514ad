import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KeyFileError, addKeyToFile, dropOldKeysOfFile, keyFilePath, keysOfFile } from './key-file.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-keys-'))
})
afterEach(async () => await rm(directory, { recursive: true, force: true }))

test('the first start creates a random key that nobody else may read, and the next finds it', async () => {
  const path = keyFilePath(join(directory, 'new'))
  const { keys } = keysOfFile(path)
  expect(keys.map((key) => key.length)).toEqual([32])
  expect(keysOfFile(path).keys).toEqual(keys)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(directory, 'new'))).toEqual(['secret.key'])
  expect(keysOfFile(keyFilePath(directory)).keys).not.toEqual(keys)
})

test('a new key goes first, older keys stay, and open sources see it', async () => {
  const path = keyFilePath(directory)
  const source = keysOfFile(path)
  addKeyToFile(path)
  const [first, second] = source.reload()
  expect(second).toEqual(source.keys[0])
  expect(first).not.toEqual(second)
  addKeyToFile(path)
  dropOldKeysOfFile(path, 2)
  expect(source.reload().slice(1)).toEqual([first])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test.each(['', 'nonsense', `${Buffer.alloc(32).toString('base64')}\nabc\n`])(
  'a file that holds %j is refused by its name',
  async (text) => {
    const path = keyFilePath(directory)
    await writeFile(path, text)
    expect(() => keysOfFile(path)).toThrow(KeyFileError)
    expect(() => keysOfFile(path)).toThrow(path)
    expect(await readFile(path, 'utf8')).toBe(text)
  },
)

test('an unwritable folder is an error that names it', async () => {
  await writeFile(join(directory, 'file'), '')
  expect(() => keysOfFile(keyFilePath(join(directory, 'file')))).toThrow(KeyFileError)
})
