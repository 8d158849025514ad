import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KEY_BYTES, type KeySource } from './secret-box.ts'

/** A key file that can't be used. The message says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

/** Returns the path of the key file of a server without keys in its settings. */
export function keyFilePath(dataDirectory: string): string {
  return join(dataDirectory, 'secret.key')
}

/** Returns keys from a setting. They don't change before the next start. */
export function givenKeys(keys: readonly Buffer[]): KeySource {
  return { keys, reload: () => keys }
}

/**
 * Reads the keys of a file, and creates the file with a random key when it is missing. Only the
 * owner may read it. Of several servers that start at once, one creates it.
 *
 * @throws KeyFileError
 */
export function keysOfFile(path: string): KeySource {
  const keys = readKeyFile(path) ?? createKeyFile(path)
  return { keys, reload: () => readKeyFile(path) ?? keys }
}

/**
 * Adds a new random key in front of a file's keys. Older keys stay, so what they sealed stays
 * readable.
 *
 * @throws KeyFileError
 */
export function addKeyToFile(path: string): void {
  writeKeyFile(path, [randomBytes(KEY_BYTES), ...(readKeyFile(path) ?? [])])
}

/**
 * Removes keys from the end of a file until `count` are left. Nothing may be sealed with them any
 * more.
 */
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
    throw new KeyFileError(`Can't read the encryption key from ${path}: ${message}`, { cause: error })
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Buffer.from(line, 'base64'))
  if (keys.length === 0 || keys.some((key) => key.length !== KEY_BYTES))
    throw new KeyFileError(
      `${path} must hold keys of ${KEY_BYTES} bytes in base64, one per line. Restore the file, or set BERTH_SECRET_KEY.`,
    )
  return keys
}

function createKeyFile(path: string): readonly Buffer[] {
  const key = randomBytes(KEY_BYTES)
  const temporary = writeTemporary(path, [key])
  try {
    // Unlike a rename, a link doesn't replace a file that another server has just created.
    linkSync(temporary, path)
    return [key]
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const made = code === 'EEXIST' ? readKeyFile(path) : undefined
    if (made !== undefined) return made
    throw new KeyFileError(`Can't write the encryption key to ${path}: ${message}`, { cause: error })
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
    '# These keys protect the secrets in the database: the first encrypts, all of them decrypt. Keep a copy: without it the secrets are lost.',
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
    throw new KeyFileError(`Can't write the encryption key to ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  return temporary
}
