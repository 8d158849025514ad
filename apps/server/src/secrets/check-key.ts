import type { Queries } from '../database/database.ts'
import { SecretError, placeOf, type SecretBox } from './secret-box.ts'

const CHECK = { key: 'secret_check', plain: 'berth' } as const
const PLACE = placeOf('deployment_values', 'value', CHECK.key)

/**
 * Checks that the keys belong to the database, in which the first server stored a sealed word.
 *
 * @param source - Where the keys come from, for the message.
 * @throws SecretError that says what to do.
 */
export async function checkKey(queries: Queries, secrets: SecretBox, source: string): Promise<void> {
  await queries
    .insertInto('deployment_values')
    .values({ key: CHECK.key, value: secrets.sealText(CHECK.plain, PLACE) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const { value } = await queries.selectFrom('deployment_values').select('value').where('key', '=', CHECK.key).executeTakeFirstOrThrow()
  try {
    secrets.open(value, PLACE)
  } catch (error) {
    if (!(error instanceof SecretError)) throw error
    throw new SecretError(
      `The key from ${source} isn't the one that encrypted the secrets in the database. Restore the database's key file, or set BERTH_SECRET_KEY to its keys.`,
      { cause: error },
    )
  }
}

/**
 * Seals the word with the newest key, so that the older keys are no longer needed for the check.
 */
export async function resealCheck(queries: Queries, secrets: SecretBox): Promise<void> {
  await queries
    .updateTable('deployment_values')
    .set({ value: secrets.sealText(CHECK.plain, PLACE) })
    .where('key', '=', CHECK.key)
    .execute()
}
