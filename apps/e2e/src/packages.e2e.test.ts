import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { verifies } from '@berth/requirements'
import { startStubServer } from '@berth/sdk/testing'
import { build } from 'esbuild'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { manifestOf, packageFolders, packPackages, type Manifest } from './pack-packages.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const attw = join(import.meta.dirname, '../node_modules/@arethetypeswrong/cli/dist/index.js')

interface Package {
  readonly manifest: Manifest
  readonly folder: string
  readonly tarball: string
}

const names = packageFolders.map((folder) => manifestOf(folder).name)

let consumer: string
let packages: Package[]

beforeAll(async () => {
  consumer = await realpath(await mkdtemp(join(tmpdir(), 'berth-packages-')))
  const tarballs = await packPackages(consumer)
  packages = []
  for (const folder of packageFolders) packages.push(await install({ folder, tarball: tarballs[manifestOf(folder).name] ?? '' }))
  await link('@types/node', join(root, 'node_modules'))
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
})

afterAll(() => rm(consumer, { recursive: true, force: true }))

/** Unpacks a tarball where `npm install` would, and links its third-party dependencies. */
async function install({ folder, tarball }: Pick<Package, 'folder' | 'tarball'>): Promise<Package> {
  const home = join(consumer, 'node_modules', manifestOf(folder).name)
  await mkdir(home, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', home, '--strip-components=1'])
  const manifest = manifestOf(home)
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
  for (const name of dependencies.filter((dependency) => !dependency.startsWith('@berth/'))) await link(name, join(folder, 'node_modules'))
  return { manifest, folder, tarball }
}

async function link(name: string, from: string): Promise<void> {
  const target = join(consumer, 'node_modules', name)
  if (existsSync(target) || !existsSync(join(from, name))) return
  await mkdir(dirname(target), { recursive: true })
  await symlink(await realpath(join(from, name)), target)
}

const packageOf = (name: string) => packages.find(({ manifest }) => manifest.name === name)

/** The entry points of a package, as imported. Those for development or types have no default. */
function entriesOf({ name, exports = {} }: Manifest): string[] {
  return Object.entries(exports).flatMap(([path, target]) => (target.default === undefined ? [] : [name + path.slice(1)]))
}

/** Runs a checker written in JavaScript; what it prints is the error when it finds fault. */
async function check(script: string, words: readonly string[]): Promise<void> {
  try {
    await run(process.execPath, [script, ...words], { cwd: consumer })
  } catch (error) {
    throw error instanceof Error && 'stdout' in error ? new Error(String(error.stdout), { cause: error }) : error
  }
}

async function compile(file: string, text: string): Promise<void> {
  await writeFile(join(consumer, file), text)
  const config = {
    compilerOptions: {
      target: 'ES2023',
      module: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      types: ['node'],
      outDir: 'out',
      rootDir: '.',
    },
    files: [file],
  }
  await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify(config))
  await check(tsc, ['-p', 'tsconfig.json'])
}

describe.each(names)('%s', (name) => {
  test('names released versions of everything it depends on', () => {
    const manifest = packageOf(name)?.manifest
    const versions = Object.values({ ...manifest?.dependencies, ...manifest?.optionalDependencies })
    expect(versions.filter((version) => /^(workspace|catalog|file|link):/.test(version))).toEqual([])
  })

  test('ships its licence, its README and all that its manifest lists', async () => {
    const listed = (packageOf(name)?.manifest.files ?? []).filter((path) => !path.startsWith('!'))
    const shipped = ['LICENSE', 'README.md', 'dist', ...listed]
    expect(shipped.filter((path) => !existsSync(join(consumer, 'node_modules', name, path)))).toEqual([])
    expect(await readFile(join(consumer, 'node_modules', name, 'LICENSE'), 'utf8')).toContain('Apache License')
  })

  test('publint has nothing to say', async () => {
    const bytes = await readFile(packageOf(name)?.tarball ?? '')
    const { messages } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, level: 'warning', strict: true })
    expect(messages).toEqual([])
  })
})

const libraries = packageFolders.map(manifestOf).filter(({ exports }) => exports !== undefined)

describe.each(libraries)('$name in an empty project', (manifest) => {
  const { name } = manifest

  test('its types resolve for every consumer of ES modules', () => {
    // A JSON document has no types to resolve.
    const documents = Object.keys(manifest.exports ?? {}).filter((entry) => entry.endsWith('.json'))
    const excluded = documents.length === 0 ? [] : ['--exclude-entrypoints', ...documents]
    return check(attw, [packageOf(name)?.tarball ?? '', '--profile', 'esm-only', '--no-color', ...excluded])
  })

  test('every entry point compiles and loads', async () => {
    verifies('berth:packages:install-from-tarball')
    const entries = entriesOf(manifest)
    const lines = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
    const counts = entries.map((entry, index) => `'${entry}': Object.keys(entry${index}).length`)
    await compile('entries.ts', `${lines.join('\n')}\nprocess.stdout.write(JSON.stringify({ ${counts.join(', ')} }))\n`)
    const { stdout } = await run(process.execPath, ['out/entries.js'], { cwd: consumer })
    const loaded = JSON.parse(stdout) as Record<string, number>
    expect(Object.keys(loaded)).toEqual(entries)
    expect(Object.values(loaded).every((count) => count > 0)).toBe(true)
  })
})

describe('a program in an empty project', () => {
  test('that calls, watches and follows compiles and runs', async () => {
    await compile(
      'program.ts',
      `
        import { ApiError, createClient, followLogs, watchWorkspace } from '@berth/sdk'
        import { startStubServer } from '@berth/sdk/testing'
        import { Failure, type Workspace } from '@berth/schema'

        const stub = await startStubServer({ token: 'token' })
        const client = createClient({ url: stub.url, token: 'token' })
        const { workspaces } = await client.workspaces.list({ query: { limit: 25 } })
        const workspace: Workspace | undefined = workspaces[0]
        const id = workspace?.id ?? ''
        const seen: string[] = []
        for await (const { name } of watchWorkspace(client, id, { initial: true })) { seen.push(name); break }
        for await (const { stage } of followLogs(client, { build: workspace?.latest_build.id ?? '' })) seen.push(stage)
        stub.on('workspaces.get', () => { throw new Failure('not_found') })
        const error: unknown = await client.workspaces.get({ params: { workspace: id } }).catch((reason: unknown) => reason)
        await stub.close()
        process.stdout.write(JSON.stringify([...seen, ApiError.is(error, 404)]))
      `,
    )
    const { stdout } = await run(process.execPath, ['out/program.js'], { cwd: consumer })
    expect(JSON.parse(stdout)).toEqual(['dev', 'Starting workspace', true])
  })

  test('with a wrong call does not compile', async () => {
    const call = "import { createClient } from '@berth/sdk'\ncreateClient({ url: '' }).templates.get({ params: { templates: '' } })\n"
    await expect(compile('wrong.ts', call)).rejects.toThrow("'templates' does not exist")
  })
})

/** Counts what a compiler makes of a program. Unlike its time, the counts are always the same. */
async function countTypes(text: string): Promise<Record<'Types' | 'Instantiations', number>> {
  await writeFile(join(consumer, 'counted.ts'), text)
  const compilerOptions = { target: 'ES2023', lib: ['ES2023', 'DOM'], module: 'NodeNext', strict: true, noEmit: true }
  const config = { compilerOptions: { ...compilerOptions, skipLibCheck: false, types: [] }, files: ['counted.ts'] }
  await writeFile(join(consumer, 'tsconfig.json'), JSON.stringify(config))
  const { stdout } = await run(process.execPath, [tsc, '-p', 'tsconfig.json', '--extendedDiagnostics'], { cwd: consumer })
  const numberOf = (what: string) => Number(new RegExp(`^${what}: +(\\d+)`, 'm').exec(stdout)?.[1])
  return { Types: numberOf('Types'), Instantiations: numberOf('Instantiations') }
}

describe('the types of the SDK', () => {
  const importing = "import { createClient, type Workspace } from '@berth/sdk'\n"
  const call = "export const got: Promise<Workspace> = createClient({ url: '' }).workspaces.get('dev')\n"

  test('cost a compiler that checks all libraries next to nothing', async () => {
    verifies('berth:packages:sdk-types')
    const [alone, withSdk] = [await countTypes('export const got = 1\n'), await countTypes(importing + call)]
    // 49 000 types and 153 000 instantiations while they were derived from the schemas.
    expect(withSdk.Types - alone.Types).toBeLessThan(2_500)
    expect(withSdk.Instantiations - alone.Instantiations).toBeLessThan(2_500)
  })
})

function bundle(platform: 'browser' | 'node') {
  return build({
    stdin: { contents: "export * from '@berth/sdk'", resolveDir: consumer },
    bundle: true,
    platform,
    format: 'iife',
    globalName: 'sdk',
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
}

describe('the bundled SDK', () => {
  test.each(['browser', 'node'] as const)('for a %s holds no schema library', async (platform) => {
    const { metafile } = await bundle(platform)
    expect(Object.keys(metafile.inputs).filter((path) => /typebox/.test(path))).toEqual([])
    expect(Object.keys(metafile.inputs).filter((path) => /\/schema\//.test(path))).toEqual([expect.stringContaining('routes.gen.js')])
  })

  test('for a browser works with what a browser has, and nothing of Node', async () => {
    verifies('berth:packages:browser-bundle')
    const { outputFiles } = await bundle('browser')
    const stub = await startStubServer({ token: 'token' })
    const { fetch, Headers, URL, URLSearchParams, AbortController, AbortSignal, TextDecoder, setTimeout, clearTimeout } = globalThis
    const globals = { fetch, Headers, URL, URLSearchParams, AbortController, AbortSignal, TextDecoder, setTimeout, clearTimeout }
    const page = createContext({ ...globals, WebSocket, url: stub.url })
    runInContext(outputFiles[0]?.text ?? '', page)
    const seen: unknown = await runInContext(
      `(async () => {
        const client = sdk.createClient({ url, token: 'token' })
        const { workspaces: [workspace] } = await client.workspaces.list()
        const seen = []
        for await (const { name } of sdk.watchWorkspace(client, workspace.id, { initial: true })) { seen.push(name); break }
        for await (const { stage } of sdk.followLogs(client, { build: workspace.latest_build.id })) seen.push(stage)
        const { hash } = await client.files.upload({ body: new Uint8Array([1, 2, 3]) })
        return JSON.stringify([...seen, hash.length])
      })()`,
      page,
    )
    expect(seen).toBe('["dev","Starting workspace",36]')
    const followed = stub.requests.find(({ operation }) => operation === 'builds.logs')
    expect(followed?.headers).not.toHaveProperty('coder-session-token')
    await stub.close()
  })
})
