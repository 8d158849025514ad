import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import { inject } from 'postject'

/**
 * The resource that holds an executable's program, and the marker that says there is one (Node:
 * single executable applications).
 */
const RESOURCE = 'NODE_SEA_BLOB'
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const ADDON = 'pty.node'

/**
 * Builds the agent as one executable for machines like this one, from the running Node and the
 * agent built beside this file. Puts a gzipped copy beside it. Neither appears before it is
 * complete.
 *
 * @throws when Node's own executable can't hold a program, for example because Node is a shared
 *   library.
 */
async function makeBinary(target: string): Promise<void> {
  const folder = await mkdtemp(join(dirname(target), '.making-'))
  try {
    const blob = join(folder, 'program.blob')
    const executable = join(folder, basename(target))
    const configuration = join(folder, 'sea.json')
    const options = {
      main: fileURLToPath(new URL('./binary.cjs', import.meta.url)),
      output: blob,
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false,
      assets: { [ADDON]: findAddon() },
    }
    await writeFile(configuration, JSON.stringify(options))
    await promisify(execFile)(process.execPath, ['--experimental-sea-config', configuration])
    await copyFile(process.execPath, executable)
    await chmod(executable, 0o755)
    await inject(executable, RESOURCE, await readFile(blob), { sentinelFuse: FUSE })
    await pipeline(createReadStream(executable), createGzip({ level: 4 }), createWriteStream(`${executable}.gz`))
    await rename(`${executable}.gz`, `${target}.gz`)
    await rename(executable, target)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Finds the addon for this machine, a dependency of node-pty that only node-pty is sure to see. */
function findAddon(): string {
  const nodePty = createRequire(import.meta.url).resolve('@lydell/node-pty')
  return createRequire(nodePty).resolve(`@lydell/node-pty-${process.platform}-${process.arch}/${ADDON}`)
}

const [target] = process.argv.slice(2)
if (target === undefined) {
  process.stderr.write('make-binary: name the file to create, as in: make-binary.js berth-agent\n')
  process.exitCode = 1
} else {
  await makeBinary(resolve(target))
}
