/** Writes src/database/tables.gen.ts from the migrations, by way of a database made for it. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { startEmbeddedPostgres } from '../src/database/embedded/start-embedded-postgres.ts'
import { generateTables } from '../src/database/generate-tables.ts'
import { migrate } from '../src/database/migrate.ts'

const logger = pino({ level: 'warn' })
const directory = await mkdtemp(join(tmpdir(), 'berth-tables-'))
try {
  await chmod(directory, 0o711) // as root the server runs under another user, who has to pass through
  const postgres = await startEmbeddedPostgres({ dataDirectory: join(directory, 'data'), isDurable: false, logger })
  try {
    await migrate({ connectionUrl: postgres.url, logger })
    await writeFile(fileURLToPath(new URL('../src/database/tables.gen.ts', import.meta.url)), await generateTables(postgres.url))
  } finally {
    await postgres.stop()
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
