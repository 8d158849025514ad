import type { Queries } from '../database/database.ts'
import { SecretError, placeOf, type SecretBox } from './secret-box.ts'

const CHECK = { key: 'secret_check', plain: 'berth' } as const
const PLACE = placeOf('deployment_values', 'value', CHECK.key)

/**
 * Makes sure that the keys are those of the database, which remembers a sealed word of the first server.
 *
 * @param source What to call the place of the keys, for the message.
 * @throws SecretError with a sentence that says what to do.
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
      `The secrets in the database were encrypted with another key than that of ${source}. Put back the key file that belongs to the database, or give its keys with BERTH_SECRET_KEY.`,
      { cause: error },
    )
  }
}

/** Seals the word anew, after which the keys that sealed it before are not asked for any more. */
export async function resealCheck(queries: Queries, secrets: SecretBox): Promise<void> {
  await queries
    .updateTable('deployment_values')
    .set({ value: secrets.sealText(CHECK.plain, PLACE) })
    .where('key', '=', CHECK.key)
    .execute()
}
