// Builds dist/: one JavaScript file and, beside it, the one dependency with a native part. Anyone
// who can read the folder can run `node <anywhere>/dist/main.js`, without the rest of the
// repository. The same goes for `node <anywhere>/dist/make-binary.js <target>`, which turns
// binary.cjs and Node into an executable that needs neither.
import { cp, mkdir, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commonJsGlobals, optionalParts } from '@berth/bundle'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** The output folder, dist/ unless another one is given. It is emptied first. */
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
const scope = '@lydell'

await rm(dist, { recursive: true, force: true })
const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node20',
  conditions: ['@berth/source'],
  legalComments: 'linked',
  logLevel: 'warning',
}
const modules = {
  ...common,
  format: 'esm',
  banner: { js: commonJsGlobals },
}
await build({
  ...modules,
  entryPoints: ['src/main.ts'],
  outfile: join(dist, 'main.js'),
  external: [`${scope}/node-pty`, ...optionalParts, '*.node'],
})
await build({ ...modules, entryPoints: ['src/make-binary/main.ts'], outfile: join(dist, 'make-binary.js') })
await build({
  ...common,
  format: 'cjs',
  entryPoints: ['src/binary/main.ts'],
  outfile: join(dist, 'binary.cjs'),
  plugins: [addonInside(), withoutOptionalParts()],
})
// Without a package.json beside it, a copied main.js would not be a module. Whoever copies the
// folder reads there which packages belong to it.
const nodePty = dirname(createRequire(import.meta.url).resolve(`${scope}/node-pty/package.json`))
const { version } = JSON.parse(await readFile(join(nodePty, 'package.json'), 'utf8'))
const manifest = { private: true, type: 'module', dependencies: { [`${scope}/node-pty`]: version } }
await writeFile(join(dist, 'package.json'), `${JSON.stringify(manifest)}\n`)
await copyNodePty(nodePty)

/** Loads node-pty's addon from the executable itself, which has no packages to find it in. */
function addonInside() {
  return {
    name: 'addon-inside',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/requireBinary$/ }, ({ importer }) =>
        importer.includes('node-pty') ? { path: join(root, 'src', 'binary', 'load-addon.ts') } : undefined,
      )
    },
  }
}

/**
 * Replaces the optional parts, since an executable has no packages and Node warns of every attempt
 * to load one.
 */
function withoutOptionalParts() {
  return {
    name: 'without-optional-parts',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^(${optionalParts.join('|')})$|\\.node$`) }, ({ path }) => ({ path, namespace: 'absent' }))
      onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: `throw new Error('not in this executable')` }))
    },
  }
}

/** Not packed: what is installed from the registry has the package for its own machine. */
async function copyNodePty(source) {
  const binaries = await binaryPackages(source)
  if (binaries.length === 0)
    throw new Error(`No prebuilt ${scope}/node-pty-<os>-<cpu> package is installed for this machine. Run the install again.`)
  const target = join(dist, 'node_modules', scope)
  await mkdir(target, { recursive: true })
  for (const [name, path] of [['node-pty', source], ...binaries]) {
    await cp(path, join(target, name), { recursive: true, dereference: true })
  }
}

/** Finds the platform packages beside node-pty, where both pnpm and npm put its dependencies. */
async function binaryPackages(source) {
  const scopeFolder = dirname(await realpath(source))
  const names = (await readdir(scopeFolder)).filter((name) => name.startsWith('node-pty-'))
  return names.map((name) => [name, join(scopeFolder, name)])
}
