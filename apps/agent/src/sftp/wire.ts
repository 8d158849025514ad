import { constants } from 'node:fs'
import ssh2, { type Attributes } from 'ssh2'

const { STATUS_CODE } = ssh2.utils.sftp

/**
 * The flags of an SFTP open request (draft-ietf-secsh-filexfer-02, 6.3) and the system's flags for
 * them.
 */
const openFlags = [
  [0x04, constants.O_APPEND],
  [0x08, constants.O_CREAT],
  [0x10, constants.O_TRUNC],
  [0x20, constants.O_EXCL],
] as const

const readFlag = 0x01
const writeFlag = 0x02

/**
 * Returns the system's flags for those of an open request. ssh2's own translation covers only the
 * combinations that its client uses, and scp uses others.
 */
export function flagsOfOpen(flags: number): number {
  const write = (flags & writeFlag) !== 0
  const access = write ? ((flags & readFlag) !== 0 ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY
  return openFlags.reduce((all, [wire, system]) => ((flags & wire) === 0 ? all : all | system), access)
}

/**
 * Returns the permission bits, without the file type that some clients include; undefined when the
 * client sets none.
 */
export function permissionsOf(attributes: Partial<Attributes>): number | undefined {
  return attributes.mode === undefined ? undefined : attributes.mode & 0o7777
}

/** Returns an error's SFTP status: some have their own code, the message describes the rest. */
export function statusOf(error: unknown): { code: number; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOENT' || code === 'ENOTDIR') return { code: STATUS_CODE.NO_SUCH_FILE, message }
  if (code === 'EACCES' || code === 'EPERM') return { code: STATUS_CODE.PERMISSION_DENIED, message }
  return { code: STATUS_CODE.FAILURE, message }
}
