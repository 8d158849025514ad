import type { Stats } from 'node:fs'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rmdir,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  type FileHandle,
} from 'node:fs/promises'
import { resolve } from 'node:path'
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2'
import { OpenHandles } from './open-handles.ts'
import { longName } from './long-name.ts'
import { flagsOfOpen, permissionsOf, statusOf } from './wire.ts'

const { STATUS_CODE } = ssh2.utils.sftp

/** The part of ssh2, missing from its types, that reports success at the end of a file transfer. */
interface SftpChannel {
  outgoing: { id: number; state: string }
  _protocol: { exitStatus: (channel: number, status: number) => void }
}

/** OpenSSH accepts packets of up to 256 KiB; this leaves room for the header. */
const maxReadBytes = 255 * 1024
const entriesPerReply = 200

/** Sends an answer with content. A handler that returns nothing is answered with success. */
type Reply = (() => void) | void

/** Serves one SFTP channel. Relative paths start at `directory`. */
export function serveSftp(sftp: SFTPWrapper, directory: string, username: string): void {
  const handles = new OpenHandles()
  const at = (path: string): string => resolve(directory, path)
  let turn: Promise<void> = Promise.resolve()

  // One request at a time: replies must keep the order of requests, as OpenSSH takes a short read
  // for the end of the file.
  const answer = (id: number, work: () => Promise<Reply>): void => {
    turn = turn.then(async () => {
      try {
        const reply = await work()
        if (reply) reply()
        else sftp.status(id, STATUS_CODE.OK)
      } catch (error) {
        sendFailure(sftp, id, error)
      }
      return undefined
    })
  }

  serveFiles(sftp, { handles, at, answer })
  serveDirectories(sftp, { handles, at, answer, username })
  servePaths(sftp, { at, answer })

  sftp.on('error', () => sftp.end())
  sftp.on('end', () => {
    void turn.then(async () => {
      await handles.closeAll()
      try {
        // Without a status OpenSSH's sftp and scp report a failure.
        const channel = sftp as unknown as SftpChannel
        if (channel.outgoing.state === 'open') channel._protocol.exitStatus(channel.outgoing.id, 0)
        sftp.end()
      } catch {
        // The connection broke meanwhile, so nobody can be told.
      }
      return undefined
    })
  })
}

/** Answers a request with an error. If the answer can't be sent, the channel closes. */
function sendFailure(sftp: SFTPWrapper, id: number, error: unknown): void {
  try {
    const { code, message } = statusOf(error)
    sftp.status(id, code, message)
  } catch {
    sftp.destroy()
  }
}

interface Serving {
  at: (path: string) => string
  answer: (id: number, work: () => Promise<Reply>) => void
}

function serveFiles(sftp: SFTPWrapper, { handles, at, answer }: Serving & { handles: OpenHandles }): void {
  sftp.on('OPEN', (id, path, flags, attributes) =>
    answer(id, async () => {
      handles.assertRoom()
      const file = await open(at(path), flagsOfOpen(flags), permissionsOf(attributes) ?? 0o666)
      const handle = handles.addFile(file)
      return () => sftp.handle(id, handle)
    }),
  )
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, async () => {
      const bytes = Buffer.allocUnsafe(Math.min(length, maxReadBytes))
      const bytesRead = await readFully(handles.file(handle), bytes, offset)
      if (bytesRead === 0 && length > 0) return () => sftp.status(id, STATUS_CODE.EOF)
      return () => sftp.data(id, bytes.subarray(0, bytesRead))
    }),
  )
  sftp.on('WRITE', (id, handle, offset, data) =>
    answer(id, async () => {
      const file = handles.file(handle)
      for (let written = 0; written < data.length;) {
        written += (await file.write(data, written, data.length - written, offset + written)).bytesWritten
      }
    }),
  )
  sftp.on('FSTAT', (id, handle) =>
    answer(id, async () => {
      const stats = await handles.file(handle).stat()
      return () => sftp.attrs(id, attributesOf(stats))
    }),
  )
  sftp.on('FSETSTAT', (id, handle, attributes) =>
    answer(id, async () => {
      const file = handles.file(handle)
      await setAttributes(attributes, {
        truncate: (size) => file.truncate(size),
        chmod: (mode) => file.chmod(mode),
        chown: (uid, gid) => file.chown(uid, gid),
        utimes: (accessed, modified) => file.utimes(accessed, modified),
      })
    }),
  )
  sftp.on('CLOSE', (id, handle) => answer(id, () => handles.close(handle)))
}

/**
 * Reads until the buffer is full or the file ends. OpenSSH takes a short read for the end; the
 * system's may come earlier.
 */
async function readFully(file: FileHandle, bytes: Buffer, offset: number): Promise<number> {
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

function serveDirectories(
  sftp: SFTPWrapper,
  { handles, at, answer, username }: Serving & { handles: OpenHandles; username: string },
): void {
  sftp.on('OPENDIR', (id, path) =>
    answer(id, async () => {
      handles.assertRoom()
      const handle = await handles.addDirectory(at(path))
      return () => sftp.handle(id, handle)
    }),
  )
  sftp.on('READDIR', (id, handle) =>
    answer(id, async () => {
      const { path, names } = handles.directory(handle)
      const batch = names.splice(0, entriesPerReply)
      if (batch.length === 0) return () => sftp.status(id, STATUS_CODE.EOF)
      const entries = await Promise.all(
        batch.map(async (filename) => {
          const stats = await lstat(resolve(path, filename)).catch(() => undefined)
          // Deleted since the directory was read.
          if (!stats) return []
          return [{ filename, longname: longName(filename, stats, username), attrs: attributesOf(stats) }]
        }),
      )
      return () => sftp.name(id, entries.flat())
    }),
  )
  sftp.on('MKDIR', (id, path, attributes) =>
    answer(id, async () => {
      await mkdir(at(path), { mode: permissionsOf(attributes) ?? 0o777 })
    }),
  )
  sftp.on('RMDIR', (id, path) => answer(id, () => rmdir(at(path))))
}

function servePaths(sftp: SFTPWrapper, { at, answer }: Serving): void {
  sftp.on('STAT', (id, path) =>
    answer(id, async () => {
      const stats = await stat(at(path))
      return () => sftp.attrs(id, attributesOf(stats))
    }),
  )
  sftp.on('LSTAT', (id, path) =>
    answer(id, async () => {
      const stats = await lstat(at(path))
      return () => sftp.attrs(id, attributesOf(stats))
    }),
  )
  sftp.on('SETSTAT', (id, path, attributes) =>
    answer(id, () => {
      const target = at(path)
      return setAttributes(attributes, {
        truncate: (size) => truncate(target, size),
        chmod: (mode) => chmod(target, mode),
        chown: (uid, gid) => chown(target, uid, gid),
        utimes: (accessed, modified) => utimes(target, accessed, modified),
      })
    }),
  )
  sftp.on('REMOVE', (id, path) => answer(id, () => unlink(at(path))))
  sftp.on('RENAME', (id, from, to) =>
    answer(id, async () => {
      // SFTP 3 never replaces a file by renaming.
      if (await lstat(at(to)).catch(() => undefined)) throw new Error(`${to} already exists`)
      await rename(at(from), at(to))
    }),
  )
  sftp.on('READLINK', (id, path) =>
    answer(id, async () => {
      const target = await readlink(at(path))
      return () => sftp.name(id, [{ filename: target, longname: target, attrs: noAttributes }])
    }),
  )
  // ssh2 knows which clients swap the two paths and always passes the link first, whatever its
  // types say.
  sftp.on('SYMLINK', (id, path, target) => answer(id, () => symlink(target, at(path))))
  sftp.on('REALPATH', (id, path) =>
    answer(id, async () => {
      // scp asks for the path of a file before it creates it.
      const found = await realpath(at(path)).catch(() => at(path))
      return () => sftp.name(id, [{ filename: found, longname: found, attrs: noAttributes }])
    }),
  )
}

/** No attributes, which the protocol allows and the types don't. */
const noAttributes = {} as Attributes

function attributesOf(stats: Stats): Attributes {
  return {
    mode: stats.mode,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    atime: Math.floor(stats.atimeMs / 1000),
    mtime: Math.floor(stats.mtimeMs / 1000),
  }
}

interface AttributeSetters {
  truncate: (size: number) => Promise<void>
  chmod: (mode: number) => Promise<void>
  chown: (uid: number, gid: number) => Promise<void>
  utimes: (accessed: number, modified: number) => Promise<void>
}

/** Sets attributes. Times come last, because setting the others changes them. */
async function setAttributes(attributes: Partial<Attributes>, set: AttributeSetters): Promise<void> {
  const mode = permissionsOf(attributes)
  if (attributes.size !== undefined) await set.truncate(attributes.size)
  if (mode !== undefined) await set.chmod(mode)
  if (attributes.uid !== undefined && attributes.gid !== undefined) await set.chown(attributes.uid, attributes.gid)
  if (attributes.atime !== undefined && attributes.mtime !== undefined) await set.utimes(attributes.atime, attributes.mtime)
}
