import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')

/** What tests read of a manifest. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly files?: readonly string[]
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, { readonly default?: string }>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/**
 * The folders of the published packages. The test script builds them first, and fails if a build
 * fails.
 */
export const packageFolders = [
  'packages/schema',
  'packages/sdk',
  'packages/tunnel',
  'packages/provisioner',
  'apps/server',
  'apps/cli',
  'apps/agent',
]
  .map((folder) => join(root, folder))
  .filter((folder) => existsSync(join(folder, 'dist')))

/** Reads the manifest in a folder. */
export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/**
 * The command line of the pnpm that runs the tests, or of the one that the repository is used with.
 */
export function pnpm(): readonly [program: string, ...words: string[]] {
  const runner = process.env['npm_execpath'] ?? ''
  return /pnpm/.test(runner) ? [process.execPath, runner] : ['npx', '-y', 'pnpm@10']
}

/**
 * Packs the published packages into a folder. Returns the tarballs by the names of the packages.
 */
export async function packPackages(destination: string): Promise<Readonly<Record<string, string>>> {
  const names = packageFolders.map((folder) => manifestOf(folder).name)
  const [program, ...words] = pnpm()
  const filters = names.flatMap((name) => ['--filter', name])
  await run(program, [...words, ...filters, '-r', 'pack', '--pack-gzip-level', '1', '--pack-destination', destination], { cwd: root })
  const files = await readdir(destination)
  return Object.fromEntries(
    names.map((name) => {
      const prefix = `${name.replace('@', '').replace('/', '-')}-`
      return [name, join(destination, files.find((file) => file.startsWith(prefix) && file.endsWith('.tgz')) ?? '')]
    }),
  )
}
