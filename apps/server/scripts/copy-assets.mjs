// Copies what the server reads at run time and the compiler does not emit: the SQL of the
// migrations, and the script of the API reference page.
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'

const source = new URL('../src/database/migrations/', import.meta.url)
const target = new URL('../dist/database/migrations/', import.meta.url)

await rm(target, { recursive: true, force: true }) // a migration that was renamed must not be there twice
await mkdir(target, { recursive: true })
for (const name of await readdir(source)) {
  if (name.endsWith('.sql')) await cp(new URL(name, source), new URL(name, target))
}

const [reference] = createRequire(import.meta.url)
  .resolve('@scalar/api-reference')
  .split('/dist/')
await cp(`${reference}/dist/browser/standalone.js`, new URL('../dist/features/deployment/api-reference.js', import.meta.url))
