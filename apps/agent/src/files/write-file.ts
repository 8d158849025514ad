import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CallFailure } from '../calls/call-failure.ts'

const newFileMode = 0o644
const permissionBits = 0o7777

/**
 * Writes all bytes of a stream to a file beside the target, and puts it in the target's place when
 * the stream has ended. If it breaks off, nothing has changed. A symbolic link stays one: the file
 * that it leads to is replaced.
 */
export async function writeWholeFile(path: string, bytes: Readable, { parents, mode }: { parents: boolean; mode: string }): Promise<void> {
  const permissions = readMode(mode)
  if (parents) await mkdir(dirname(path), { recursive: true })
  const target = await realpath(path).catch(() => path)
  const existing = await stat(target).catch(() => undefined)
  if (existing !== undefined && !existing.isFile())
    throw new CallFailure(
      'invalid_path',
      `There is ${existing.isDirectory() ? 'a folder' : 'something else'}, not a file, at ${JSON.stringify(path)}.`,
    )
  const temporary = join(dirname(target), `.${basename(target).slice(0, 100)}.${randomBytes(6).toString('hex')}`)
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, newFileMode)
  try {
    await handle.chmod(permissions ?? (existing === undefined ? newFileMode : existing.mode & permissionBits))
    await pipeline(bytes, handle.createWriteStream())
    await rename(temporary, target)
  } catch (error) {
    await handle.close().catch(() => undefined)
    await unlink(temporary).catch(() => undefined)
    throw error
  }
}

function readMode(mode: string): number | undefined {
  if (mode === '') return undefined
  if (/^[0-7]{3,4}$/.test(mode)) return Number.parseInt(mode, 8)
  throw new CallFailure('invalid_path', `The mode "${mode.slice(0, 20)}" is not three or four octal digits, such as 755.`)
}
