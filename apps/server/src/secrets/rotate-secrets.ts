import { connect } from 'node:net'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SECRETS_CHANNEL } from '../database/channels.ts'
import type { Config } from '../settings/config.ts'
import { openDatabase } from '../database/database.ts'
import { findRunningPostgres } from '../database/embedded/find-running-postgres.ts'
import { startEmbeddedPostgres } from '../database/embedded/start-embedded-postgres.ts'
import { migrate } from '../database/migrate.ts'
import { notify } from '../database/pubsub.ts'
import { addKeyToFile, dropOldKeysOfFile, keyFilePath } from './key-file.ts'
import { openSecrets } from './open-secrets.ts'
import { resealAll } from './reseal.ts'

/**
 * The newest key, and the one before it, which running servers use until they hear of the newest.
 */
const KEYS_TO_KEEP = 2

/**
 * Encrypts all secrets again, while servers run or not. Uses the first key of `BERTH_SECRET_KEY` if
 * that is set, and otherwise adds a new key to the key file.
 *
 * @returns A message for the administrator.
 * @throws Error with a sentence that says what is wrong.
 */
export async function rotateSecrets(config: Config, logger: Logger): Promise<string> {
  const location = await findDatabase(config, logger)
  try {
    await migrate({ connectionUrl: location.connectionUrl, logger })
    const database = await openDatabase({ connectionUrl: location.connectionUrl, logger })
    try {
      const secrets = await openSecrets(database.kysely, config)
      const path = config.secretKeys === undefined ? keyFilePath(config.dataDirectory) : undefined
      if (path !== undefined) {
        addKeyToFile(path)
        secrets.reload()
        await notify(database.kysely, SECRETS_CHANNEL)
      }
      const { resealed, unreadable } = await resealAll(database.kysely, secrets)
      if (unreadable.length > 0)
        throw new Error(
          `${resealed} secrets were encrypted again, but no key decrypts these: ${unreadable.join('; ')}. Add the key that they were encrypted with, and try again.`,
        )
      if (path !== undefined) dropOldKeysOfFile(path, KEYS_TO_KEEP)
      const keys =
        path === undefined
          ? 'You can now remove all keys but the first from BERTH_SECRET_KEY.'
          : `The new key is in ${path}. Keep a copy of it.`
      return `${resealed} secrets were encrypted again. ${keys}`
    } finally {
      await database.close()
    }
  } finally {
    await location.close()
  }
}

/**
 * Returns the database of the settings. Starts the embedded one unless a running server has it
 * open.
 */
async function findDatabase(config: Config, logger: Logger): Promise<{ connectionUrl: string; close: () => Promise<void> }> {
  if (config.pgConnectionUrl !== undefined) return { connectionUrl: config.pgConnectionUrl, close: async () => {} }
  const running = await findRunningPostgres(config.dataDirectory)
  if (running !== undefined && (await accepts(running))) return { connectionUrl: running, close: async () => {} }
  const embedded = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, logger })
  return { connectionUrl: embedded.url, close: async () => await embedded.stop() }
}

async function accepts(connectionUrl: string): Promise<boolean> {
  const directory = new URL(connectionUrl.replace(':///', '://localhost/')).searchParams.get('host') ?? ''
  return await new Promise((resolve) => {
    const socket = connect(join(directory, '.s.PGSQL.5432'))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
