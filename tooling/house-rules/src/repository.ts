import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importsOf, type Import } from './imports.ts'

/** The checkout that the rules are about. */
export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A file with code, by its path below the root. */
export interface Source {
  readonly path: string
  readonly text: string
  /** The text with comments blanked, for rules about what the code does. */
  readonly code: string
  readonly imports: readonly Import[]
  /** Whether it is part of tests, scripts, examples or tooling, never of a released package. */
  readonly isDevelopmentOnly: boolean
}

/** A package of the workspace. */
export interface Room {
  /** Folder below the root, such as `packages/sdk`. */
  readonly folder: string
  readonly name: string
  readonly manifest: Manifest
}

export interface Manifest {
  readonly name: string
  readonly description?: string
  readonly keywords?: readonly string[]
  readonly license?: string
  readonly repository?: { readonly type?: string; readonly url?: string; readonly directory?: string }
  readonly private?: boolean
  readonly type?: string
  readonly sideEffects?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly files?: readonly string[]
  readonly engines?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const ignored = new Set(['node_modules', 'dist', '.turbo', '.git', '.berth', 'coverage'])
const cache = new Map<string, readonly string[]>()

/**
 * All files below a folder, as paths below the root with forward slashes; build output and
 * installed packages left out.
 */
export function filesBelow(folder: string): readonly string[] {
  const known = cache.get(folder)
  if (known) return known
  const walk = (directory: string): string[] =>
    readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      if (ignored.has(entry.name)) return []
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return walk(path)
      return entry.isFile() ? [relative(root, path).replaceAll('\\', '/')] : []
    })
  const files = walk(join(root, folder)).toSorted()
  cache.set(folder, files)
  return files
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function exists(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false }) !== undefined
}

let sources: readonly Source[] | undefined

/** Every file with code in apps, packages and tooling. */
export function allSources(): readonly Source[] {
  sources ??= ['apps', 'packages', 'tooling']
    .flatMap((folder) => filesBelow(folder))
    .filter((path) => /\.(ts|tsx|mjs|js)$/.test(path))
    .map((path) => {
      const text = readText(path)
      const code = withoutComments(text)
      return { path, text, code, imports: importsOf(code), isDevelopmentOnly: isDevelopmentOnly(path) }
    })
  return sources
}

/** Every package of the workspace, by folder. */
export function allRooms(): readonly Room[] {
  return ['apps', 'packages', 'tooling'].flatMap((group) =>
    filesBelow(group)
      .filter((path) => basename(path) === 'package.json' && path.split('/').length === 3)
      .map((path) => {
        const manifest = JSON.parse(readText(path)) as Manifest // the shape is what the rules go on to check
        return { folder: dirname(path), name: manifest.name, manifest }
      }),
  )
}

/** The file that a relative import names, as a path below the root. */
export function resolveImport(source: Source, { from }: Import): string {
  return posix.normalize(posix.join(posix.dirname(source.path), from))
}

/** Blanks comments: those that begin a line, and those after code. */
export function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$|[ \t]\/\/ .*$/gm, (comment) => comment.replaceAll(/[^\n]/g, ''))
}

function isDevelopmentOnly(path: string): boolean {
  return (
    path.startsWith('tooling/') ||
    path.startsWith('apps/e2e/') ||
    /\.test(-d)?\.tsx?$/.test(path) ||
    /^[^/]+\/[^/]+\/(test|scripts|examples)\//.test(path)
  )
}
