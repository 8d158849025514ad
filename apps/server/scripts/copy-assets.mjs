// Copies what the server reads at run time and the compiler does not emit: the SQL of the migrations.
import { cp, mkdir, readdir, rm } from 'node:fs/promises'

const source = new URL('../src/database/migrations/', import.meta.url)
const target = new URL('../dist/database/migrations/', import.meta.url)

await rm(target, { recursive: true, force: true }) // a migration that was renamed must not be there twice
await mkdir(target, { recursive: true })
for (const name of await readdir(source)) {
  if (name.endsWith('.sql')) await cp(new URL(name, source), new URL(name, target))
}
