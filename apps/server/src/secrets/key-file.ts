import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KEY_BYTES, type KeySource } from './secret-box.ts'

/** A key file that cannot be used. The message says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

/** Where the key of a server is that was given none. */
export function keyFilePath(dataDirectory: string): string {
  return join(dataDirectory, 'secret.key')
}

/** Keys that were given by a setting: they stay what they are until the next start. */
export function givenKeys(keys: readonly Buffer[]): KeySource {
  return { keys, reload: () => keys }
}

/**
 * The keys of a file, made with a random key where there is none. Nobody but the owner may read it. Of several servers that start at once, one makes it.
 *
 * @throws KeyFileError
 */
export function keysOfFile(path: string): KeySource {
  const keys = readKeyFile(path) ?? createKeyFile(path)
  return { keys, reload: () => readKeyFile(path) ?? keys }
}

/**
 * Puts a new random key before those of a file; the one that sealed so far stays readable, as does everything older.
 *
 * @throws KeyFileError
 */
export function addKeyToFile(path: string): void {
  writeKeyFile(path, [randomBytes(KEY_BYTES), ...(readKeyFile(path) ?? [])])
}

/** Drops keys from the end of a file until `count` are left, once nothing is sealed with them. */
export function dropOldKeysOfFile(path: string, count: number): void {
  const keys = readKeyFile(path) ?? []
  if (keys.length > count) writeKeyFile(path, keys.slice(0, count))
}

function readKeyFile(path: string): Buffer[] | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new KeyFileError(`The key of the secrets cannot be read from ${path}: ${message}`, { cause: error })
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line, 'base64'))
  if (keys.length === 0 || keys.some((key) => key.length !== KEY_BYTES))
    throw new KeyFileError(`${path} holds no key of ${KEY_BYTES} bytes in base64. Put back the file as it was, or set BERTH_SECRET_KEY.`)
  return keys
}

function createKeyFile(path: string): readonly Buffer[] {
  const key = randomBytes(KEY_BYTES)
  const temporary = writeTemporary(path, [key])
  try {
    // Unlike a rename, a link does not replace what another server has made meanwhile.
    linkSync(temporary, path)
    return [key]
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const made = code === 'EEXIST' ? readKeyFile(path) : undefined
    if (made !== undefined) return made
    throw new KeyFileError(`The key of the secrets cannot be written to ${path}: ${message}`, { cause: error })
  } finally {
    rmSync(temporary, { force: true })
  }
}

function writeKeyFile(path: string, keys: readonly Buffer[]): void {
  renameSync(writeTemporary(path, keys), path)
}

function writeTemporary(path: string, keys: readonly Buffer[]): string {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  const lines = [
    '# Encrypts the secrets in the database: the first key encrypts, all of them decrypt. Keep a copy; without it they are lost.',
    ...keys.map((key) => key.toString('base64')),
  ]
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const file = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(file, `${lines.join('\n')}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new KeyFileError(
      `The key of the secrets cannot be written to ${path}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
  return temporary
}
