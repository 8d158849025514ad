/**
 * Bundles the command line into a few files, which start faster than a hundred, and copies the
 * starter templates next to it. Writes to `dist`, or to the folder in the first argument.
 */
import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundlePackage } from '@berth/bundle'
import { writeEntry } from '@berth/node-version'
import { sourceHash } from './source-hash.js'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const root = here('../../..')
const outdir = process.argv[2] ?? here('../dist')

await rm(outdir, { recursive: true, force: true })
const metafile = await bundlePackage({
  folder: here('..'),
  outdir,
  entries: { program: 'src/main.ts' },
  define: { STARTER_TEMPLATES: '"./templates"' },
})

const bundled = Object.keys(metafile.inputs)
if (bundled.some((path) => path.includes('@sinclair/typebox'))) {
  throw new Error(
    'The bundle contains TypeBox, which takes longer to load than everything else. Import only types and @berth/schema/rules.',
  )
}

const templates = 'packages/provisioner/templates'
await cp(join(root, templates), `${outdir}/templates`, { recursive: true })
await writeEntry({ folder: outdir, program: 'berth', module: 'program.js', manifest: here('../package.json') })

// By this, run-checkout.js knows whether the sources have changed since.
const templateFiles = (await readdir(join(root, templates), { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
const ownSources = bundled
  .map((path) => relative(root, resolve(here('..'), path)))
  .filter((path) => !path.split(sep).includes('node_modules'))
const paths = [...ownSources, ...templateFiles, 'apps/cli/scripts/build.mjs'].toSorted()
await writeFile(`${outdir}/sources.json`, `${JSON.stringify({ hash: sourceHash(root, paths), paths })}\n`)
