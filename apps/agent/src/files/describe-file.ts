import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { WorkspaceFile } from '@berth/schema'

const permissionBits = 0o7777

/** Returns a file or folder as clients see it. A symbolic link is not followed. */
export async function describeFile(path: string): Promise<WorkspaceFile> {
  const stats = await lstat(path)
  return {
    name: basename(path),
    path,
    kind: kindOf(stats),
    size: stats.size,
    mode: (stats.mode & permissionBits).toString(8).padStart(3, '0'),
    modified_at: stats.mtime.toISOString(),
  }
}

function kindOf(stats: Stats): WorkspaceFile['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'symlink' : 'other'
}
