// Builds dist/: one file of JavaScript and, beside it, the one dependency that has a native part. `node <anywhere>/dist/main.js` works for every user
// who can read the folder, without the rest of the repository. So does `node <anywhere>/dist/make-binary.js <target>`, which makes of binary.cjs and
// of Node an executable that needs neither.
import { cp, mkdir, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** Where to; another folder than dist/ may be named. It is emptied first. */
const dist = resolve(process.argv[2] ?? join(root, 'dist'))
const scope = '@lydell'

await rm(dist, { recursive: true, force: true })
/** The native accelerators of ssh2 and ws are optional; what uses them falls back to JavaScript. */
const accelerators = ['cpu-features', 'bufferutil', 'utf-8-validate']
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
  // What the CommonJS parts of the bundle expect to find.
  banner: {
    js: [
      `import { createRequire as __createRequire } from 'node:module';`,
      `const require = __createRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;`,
    ].join(''),
  },
}
await build({
  ...modules,
  entryPoints: ['src/main.ts'],
  outfile: join(dist, 'main.js'),
  external: [`${scope}/node-pty`, ...accelerators, '*.node'],
})
await build({ ...modules, entryPoints: ['src/make-binary/main.ts'], outfile: join(dist, 'make-binary.js') })
await build({
  ...common,
  format: 'cjs',
  entryPoints: ['src/binary/main.ts'],
  outfile: join(dist, 'binary.cjs'),
  plugins: [addonInside(), withoutAccelerators()],
})
// Copied elsewhere, main.js has no other package.json above it that would make it a module.
await writeFile(join(dist, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`)
await copyNodePty()

/** Inside an executable there are no packages to find the addon of node-pty in. */
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

/** Inside an executable nothing can be looked for; Node warns of every try. */
function withoutAccelerators() {
  return {
    name: 'without-accelerators',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^(${accelerators.join('|')})$|\\.node$`) }, ({ path }) => ({ path, namespace: 'absent' }))
      onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: `throw new Error('not in this executable')` }))
    },
  }
}

async function copyNodePty() {
  const source = dirname(createRequire(import.meta.url).resolve(`${scope}/node-pty/package.json`))
  const binaries = await binaryPackages(source)
  if (binaries.length === 0) throw new Error(`No prebuilt ${scope}/node-pty-<os>-<cpu> package is installed for this machine.`)
  const target = join(dist, 'node_modules', scope)
  await mkdir(target, { recursive: true })
  for (const [name, path] of [['node-pty', source], ...binaries]) {
    await cp(path, join(target, name), { recursive: true, dereference: true })
  }
}

/** Beside the package, where pnpm and npm both put what it depends on. */
async function binaryPackages(source) {
  const scopeFolder = dirname(await realpath(source))
  const names = (await readdir(scopeFolder)).filter((name) => name.startsWith('node-pty-'))
  return names.map((name) => [name, join(scopeFolder, name)])
}
