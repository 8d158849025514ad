// Completes what the compiler emitted: the SQL of the migrations, the script of the API reference
// page, and a main.js that an old Node.js can parse, in front of the compiled one.
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { writeEntry } from '@berth/node-version'

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

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const program = await readFile(`${dist}main.js`, 'utf8')
await writeFile(`${dist}program.js`, program.replace('sourceMappingURL=main.js.map', 'sourceMappingURL=program.js.map'))
await rename(`${dist}main.js.map`, `${dist}program.js.map`)
for (const name of ['main.d.ts', 'main.d.ts.map']) await rm(`${dist}${name}`)
const manifest = new URL('../package.json', import.meta.url)
await writeEntry({ folder: dist, program: 'berth-server', module: 'program.js', manifest })
