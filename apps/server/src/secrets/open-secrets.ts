import type { Queries } from '../database/database.ts'
import { checkKey } from './check-key.ts'
import { givenKeys, keyFilePath, keysOfFile } from './key-file.ts'
import { SecretBox } from './secret-box.ts'

/** What decides with which keys secrets are sealed. */
export interface SecretSettings {
  /** Undefined: those of the key file. */
  readonly secretKeys: readonly Buffer[] | undefined
  readonly dataDirectory: string
}

/**
 * The box of a database, opened with the keys of the settings.
 *
 * @throws KeyFileError, SecretError: the keys cannot be used, or belong to another database.
 */
export async function openSecrets(queries: Queries, { secretKeys, dataDirectory }: SecretSettings): Promise<SecretBox> {
  const path = keyFilePath(dataDirectory)
  const secrets = new SecretBox(secretKeys === undefined ? keysOfFile(path) : givenKeys(secretKeys))
  await checkKey(queries, secrets, secretKeys === undefined ? path : 'BERTH_SECRET_KEY')
  return secrets
}
