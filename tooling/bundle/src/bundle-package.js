import { readFile, readdir, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

/** Globals that CommonJS code in an ES module expects. */
export const commonJsGlobals = [
  "import { createRequire as createRequireOfBundle } from 'node:module'",
  'const require = createRequireOfBundle(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename',
].join('\n')

/** What ssh2, ws, pg and node-fetch use if it is installed, and do without. */
export const optionalParts = ['cpu-features', 'bufferutil', 'utf-8-validate', 'pg-native', 'encoding']

/**
 * Bundles a package: its own sources, those of the workspace's packages, and what its manifest
 * lists under `devDependencies`. What the manifest lists under `dependencies` stays outside. A file
 * that is imported with `import()` becomes a chunk of its own, so that a process loads it only when
 * it needs it. All files lie in the output folder itself: `new URL('./x', import.meta.url)` means
 * the same in each.
 *
 * @param {object} options
 * @param {string} options.folder the package
 * @param {string} options.outdir the output folder, which the caller has emptied
 * @param {Record<string, string>} options.entries output files, without `.js`, and their sources
 * @param {Record<string, string>} [options.define] names in the sources, and what replaces them
 * @param {readonly string[]} [options.inside] dependencies to bundle; declared for their types
 * @returns {Promise<import('esbuild').Metafile>}
 * @throws Error when the bundle imports a package that is not listed under `dependencies`
 */
export async function bundlePackage({ folder, outdir, entries, define = {}, inside = [] }) {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
  const outside = declared.filter((name) => !inside.includes(name))
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: entries,
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    platform: 'node',
    target: `node${manifest.engines.node.replace('>=', '')}`,
    format: 'esm',
    // Workspace packages are bundled from source, so that this build needs no other.
    conditions: ['@berth/source', 'module'],
    define,
    banner: { js: commonJsGlobals },
    external: [...outside, ...optionalParts, '*.node'],
    legalComments: 'none', // the licences are in a file of their own
    metafile: true,
    logLevel: 'warning',
  })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  const outer = imports.filter(({ external, path }) => external === true && !path.endsWith('.node'))
  const names = new Set(outer.map(({ path }) => packageOf(path)))
  const missing = [...names].filter((name) => !isBuiltin(name) && !outside.includes(name) && !optionalParts.includes(name))
  if (missing.length > 0) throw new Error(`The bundle of ${manifest.name} imports ${missing.join(', ')}. Declare it under "dependencies".`)
  // A name with "license" in it would keep pnpm from adding the package's own.
  await writeFile(join(outdir, 'third-party-notices.txt'), await licenses(folder, metafile))
  return metafile
}

/** @param {string} path what is imported, for example `pg/lib/client.js` */
function packageOf(path) {
  return path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Returns the licence texts of the packages that went into a bundle, as their licences demand. */
async function licenses(folder, metafile) {
  const folders = new Set(
    Object.keys(metafile.inputs).flatMap((input) => {
      const [, found] = /^(?:.*:)?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(resolve(folder, input)) ?? []
      return found === undefined ? [] : [found]
    }),
  )
  const sections = await Promise.all([...folders].map(licenseOf))
  return `${sections.toSorted().join(`\n${'-'.repeat(78)}\n\n`)}`
}

async function licenseOf(folder) {
  const { name, version, license = 'unknown' } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).toSorted()
  const texts = await Promise.all(files.map(async (file) => await readFile(join(folder, file), 'utf8')))
  return `${name} ${version} (${typeof license === 'string' ? license : license.type})\n\n${texts.map((text) => text.trim()).join('\n\n')}\n`
}

/**
 * Returns the entries for what a package exports: `./testing` becomes `testing.js`, `.` becomes
 * `index.js`.
 *
 * @param {string} folder the package
 * @returns {Promise<Record<string, string>>}
 */
export async function entriesOf(folder) {
  const { exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  return Object.fromEntries(
    Object.entries(exports).map(([path, target]) => [path === '.' ? 'index' : path.slice('./'.length), target['@berth/source']]),
  )
}
