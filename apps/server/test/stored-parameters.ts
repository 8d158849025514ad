import { givenKeys } from '../src/secrets/key-file.ts'
import { SecretBox, placeOf } from '../src/secrets/secret-box.ts'
import { runSql } from './run-sql.ts'
import { TEST_SECRET_KEY } from './start-test-server.ts'

/** Returns a scope's stored values by name, decrypted: no endpoint shows them. */
export async function storedParameters(
  server: { readonly databaseUrl: string },
  scopeId: string,
): Promise<{ name: string; source_value: string }[]> {
  const secrets = new SecretBox(givenKeys([TEST_SECRET_KEY]))
  const rows = await runSql(server, 'select name, sealed_value from parameter_values where scope_id = $1 order by name', [scopeId])
  return rows.map((row) => {
    const { name, sealed_value } = row as { name: string; sealed_value: Buffer } // the columns asked for
    return { name, source_value: secrets.openText(sealed_value, placeOf('parameter_values', 'sealed_value', scopeId, name)) }
  })
}
