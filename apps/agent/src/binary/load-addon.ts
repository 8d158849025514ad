import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getAsset } from 'node:sea'

/**
 * Loads a native addon embedded in the executable. The system only loads files, so the addon
 * becomes one for a moment; it stays loaded after its file is deleted.
 *
 * @throws the loader's error when neither the temporary folder nor the executable's own may hold
 *   programs.
 */
export function requireBinary(name: string): unknown {
  const bytes = new Uint8Array(getAsset(name))
  try {
    return loadFrom(tmpdir(), name, bytes)
  } catch {
    return loadFrom(dirname(process.execPath), name, bytes) // a folder from which programs can run, as this one does
  }
}

function loadFrom(parent: string, name: string, bytes: Uint8Array): unknown {
  const folder = mkdtempSync(join(parent, 'berth-agent-'))
  try {
    const path = join(folder, name)
    writeFileSync(path, bytes, { mode: 0o700 })
    const loaded = { exports: {} as unknown }
    process.dlopen(loaded, path, constants.dlopen.RTLD_NOW)
    return loaded.exports
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
