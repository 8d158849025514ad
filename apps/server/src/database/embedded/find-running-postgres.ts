import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EMBEDDED_NAME } from './data-directory.ts'
import { readPostmasterFile } from './postmaster-file.ts'

/**
 * Returns the URL of the embedded database that a running Berth keeps in a data directory;
 * undefined when there is no trace of one. That Berth may have been killed since.
 */
export async function findRunningPostgres(dataDirectory: string): Promise<string | undefined> {
  const names = await readdir(dataDirectory).catch(() => [])
  for (const name of names.filter((candidate) => /^postgres-\d+$/.test(candidate))) {
    const file = await readPostmasterFile(join(dataDirectory, name))
    if (file !== undefined && file.socketDirectory !== '') return embeddedUrl(file.socketDirectory)
  }
  return undefined
}

/** Returns the URL of an embedded database whose socket is in a folder. */
export function embeddedUrl(socketDirectory: string): string {
  return `postgresql:///${EMBEDDED_NAME}?host=${encodeURIComponent(socketDirectory)}&user=${EMBEDDED_NAME}`
}
