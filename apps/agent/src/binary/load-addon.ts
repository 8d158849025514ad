import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { getAsset } from 'node:sea'

/**
 * Loads a native addon that the executable carries inside it. Only a file can be loaded, so it is one for a moment; what is loaded stays
 * after its file is gone.
 *
 * @throws what the loader says where neither the folder of temporary files nor that of the executable may hold programs.
 */
export function requireBinary(name: string): unknown {
  const bytes = new Uint8Array(getAsset(name))
  try {
    return loadFrom(tmpdir(), name, bytes)
  } catch {
    return loadFrom(dirname(process.execPath), name, bytes) // where files may be run, as one is running
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
