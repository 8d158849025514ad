import type { Queries } from '../database/database.ts'
import { checkKey } from './check-key.ts'
import { givenKeys, keyFilePath, keysOfFile } from './key-file.ts'
import { SecretBox } from './secret-box.ts'

/** The settings that decide which keys seal secrets. */
export interface SecretSettings {
  /** Undefined: use the key file. */
  readonly secretKeys: readonly Buffer[] | undefined
  readonly dataDirectory: string
}

/**
 * Opens the secret box of a database with the keys from the settings.
 *
 * @throws KeyFileError when the keys can't be used, SecretError when they belong to another
 * database.
 */
export async function openSecrets(queries: Queries, { secretKeys, dataDirectory }: SecretSettings): Promise<SecretBox> {
  const path = keyFilePath(dataDirectory)
  const secrets = new SecretBox(secretKeys === undefined ? keysOfFile(path) : givenKeys(secretKeys))
  await checkKey(queries, secrets, secretKeys === undefined ? path : 'BERTH_SECRET_KEY')
  return secrets
}
