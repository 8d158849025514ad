/**
 * Bundles the command line into one file, so that it starts without resolving a hundred others, and puts the starter templates beside it.
 * Writes to `dist`, or to the folder that is given.
 */
import { chmod, cp, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const outdir = process.argv[2] ?? here('../dist')

await rm(outdir, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: [here('../src/main.ts')],
  outfile: `${outdir}/main.js`,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // Workspace packages are bundled from their sources, so that this build waits for no other.
  conditions: ['@berth/source', 'module'],
  define: { STARTER_TEMPLATES: '"./templates"' },
  // What packages written for require() take for granted.
  banner: {
    js: [
      "import { createRequire as createRequireOfBundle } from 'node:module'",
      'const require = createRequireOfBundle(import.meta.url)',
      'const __dirname = import.meta.dirname',
      'const __filename = import.meta.filename',
    ].join('\n'),
  },
  // Optional accelerators that want a compiler; their users do without.
  external: ['cpu-features', 'bufferutil', 'utf-8-validate', '*.node'],
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
})

const bundled = Object.keys(metafile.inputs)
if (bundled.some((path) => path.includes('@sinclair/typebox'))) {
  throw new Error('The bundle holds TypeBox, which takes longer to load than all the rest. Import types and @berth/schema/rules only.')
}

await cp(here('../../../packages/provisioner/templates'), `${outdir}/templates`, { recursive: true })
await chmod(`${outdir}/main.js`, 0o755)
