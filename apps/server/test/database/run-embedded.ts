/**
 * Runs an embedded server until killed, for tests about dying processes. Takes a JSON argument and
 * prints a line of JSON when the server is up.
 */
import { pino } from 'pino'
import { readPostgresPackage } from '../../src/database/embedded/binaries.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/start-embedded-postgres.ts'

const { dataDirectory, uid, packageDirectory, withoutDeathSignal } = JSON.parse(process.argv[2] ?? '') as {
  dataDirectory: string
  uid?: number
  packageDirectory?: string
  withoutDeathSignal?: boolean
}
// Only now, with the program loaded: that user need not be able to read the checkout.
if (uid !== undefined) {
  process.setgroups?.([])
  process.setgid?.(uid)
  process.setuid?.(uid)
}
try {
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    logger: pino({ level: 'silent' }),
    ...(withoutDeathSignal === true ? { setprivPaths: [] } : {}),
    ...(packageDirectory === undefined ? {} : { package: await readPostgresPackage(packageDirectory) }),
  })
  process.stdout.write(`${JSON.stringify({ pid: postgres.pid, url: postgres.url })}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`)
}
