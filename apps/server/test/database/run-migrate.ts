/**
 * Migrates a database in a separate process and prints what it applied.
 * Arguments: connection URL, folder of the migrations.
 */
import { pino } from 'pino'
import { migrate } from '../../src/database/migrate.ts'

const [connectionUrl = '', directory = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await migrate({ connectionUrl, directory, logger: pino({ level: 'silent' }) })))
