import { execFileSync } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeBusyboxRoot } from '@berth/test-cluster'

/** Libraries that the agent is linked with, beside those that it loads by itself. */
const LINKED = [process.execPath, '/bin/bash']
const COMMANDS = ['sh', 'wget', 'mktemp', 'chmod', 'sleep', 'rm', 'cat', 'id', 'ls', 'cp', 'ps']

/**
 * Writes the root file system of an image for workspaces: a user, a shell, a program that
 * downloads, and the libraries the agent needs.
 */
export async function writeWorkspaceImage(root: string, user: { name: string; home: string }): Promise<string> {
  await writeBusyboxRoot(root, COMMANDS)
  for (const folder of ['etc/skel', user.home]) await mkdir(join(root, folder), { recursive: true })
  await chmod(join(root, 'tmp'), 0o1777)
  await copyFile('/bin/bash', join(root, 'bin/bash'))
  for (const library of LINKED.flatMap(librariesOf)) {
    await mkdir(dirname(join(root, library)), { recursive: true })
    await cp(library, join(root, library), { dereference: true })
  }
  await writeFile(join(root, 'etc/passwd'), `root:x:0:0::/root:/bin/sh\n${user.name}:x:1000:1000::${user.home}:/bin/bash\n`)
  await writeFile(join(root, 'etc/group'), `root:x:0:\n${user.name}:x:1000:\n`)
  await writeFile(join(root, 'etc/skel/.profile'), 'export GREETING=hello\n')
  return root
}

function librariesOf(program: string): string[] {
  return [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
}
