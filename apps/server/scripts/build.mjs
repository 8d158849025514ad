/**
 * Bundles the server into few files, which start four times as fast as the seven hundred they are
 * made of, and puts beside them what they read. The compiler then adds the types.
 */
import { cp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { bundlePackage } from '@berth/bundle'
import { writeEntry } from '@berth/node-version'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const folder = here('..')
const dist = here('../dist')
const require = createRequire(import.meta.url)

await rm(dist, { recursive: true, force: true })
await bundlePackage({
  folder,
  outdir: dist,
  entries: { index: 'src/index.ts', program: 'src/main.ts' },
  define: { STARTER_TEMPLATES: '"./templates"' },
  // Programs get their types from these. A second copy at run time would cost time and memory.
  inside: ['@berth/provisioner', '@berth/schema'],
})
await cp(here('../src/database/migrations'), `${dist}/migrations`, { recursive: true })
await cp(here('../../../packages/provisioner/templates'), `${dist}/templates`, { recursive: true })
const [apiReference] = require.resolve('@scalar/api-reference').split('/dist/')
await cp(`${apiReference}/dist/browser/standalone.js`, `${dist}/api-reference.js`)
await writeEntry({ folder: dist, program: 'berth-server', module: 'program.js', manifest: here('../package.json') })
