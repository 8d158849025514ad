import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Bundles the command line from the current sources into a folder away from every package. */
export async function buildBerth(): Promise<{ entry: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-bundle-'))
  const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))
  await promisify(execFile)(process.execPath, [script, folder])
  return { entry: join(folder, 'main.js'), remove: () => rm(folder, { recursive: true, force: true }) }
}
