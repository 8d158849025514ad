import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Writes the root file system of an image with busybox (from the package busybox-static) as the
 * given commands. Returns its folder.
 */
export async function writeBusyboxRoot(root: string, commands: readonly string[]): Promise<string> {
  await mkdir(join(root, 'bin'), { recursive: true })
  await mkdir(join(root, 'tmp'), { recursive: true })
  await copyFile('/bin/busybox', join(root, 'bin/busybox'))
  for (const command of commands) await symlink('busybox', join(root, 'bin', command))
  return root
}
