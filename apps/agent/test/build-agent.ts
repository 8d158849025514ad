import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * Builds the agent into its own folder, so that tests run the current sources, from a place where
 * no package of the repository can be found.
 */
export async function buildAgent(): Promise<{ entry: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-agent-build-'))
  const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))
  await promisify(execFile)(process.execPath, [script, folder])
  return { entry: join(folder, 'main.js'), remove: () => rm(folder, { recursive: true, force: true }) }
}
