import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EMBEDDED_NAME } from './data-directory.ts'
import { readPostmasterFile } from './postmaster-file.ts'

/** URL of the embedded database of a Berth that runs on a data directory; undefined where none has left a trace. It may have been killed since. */
export async function findRunningPostgres(dataDirectory: string): Promise<string | undefined> {
  const names = await readdir(dataDirectory).catch(() => [])
  for (const name of names.filter((candidate) => /^postgres-\d+$/.test(candidate))) {
    const file = await readPostmasterFile(join(dataDirectory, name))
    if (file !== undefined && file.socketDirectory !== '') return embeddedUrl(file.socketDirectory)
  }
  return undefined
}

/** URL of an embedded database by the folder of its socket. */
export function embeddedUrl(socketDirectory: string): string {
  return `postgresql:///${EMBEDDED_NAME}?host=${encodeURIComponent(socketDirectory)}&user=${EMBEDDED_NAME}`
}
