import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../../test/database/create-test-database.ts'
import { generateTables } from './generate-tables.ts'

test('tables.gen.ts matches the migrations (otherwise: pnpm generate)', async () => {
  const database = await createTestDatabase()
  try {
    expect(await readFile(new URL('./tables.gen.ts', import.meta.url), 'utf8')).toBe(await generateTables(database.url))
  } finally {
    await database.drop()
  }
})
