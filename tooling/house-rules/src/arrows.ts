import { packageOf, type Import } from './imports.ts'
import { allRooms, allSources, readText, resolveImport } from './repository.ts'

/** Who imports whom below one folder: each part with the parts that it imports, both sorted. */
export type Arrows = ReadonlyMap<string, readonly string[]>

/** The folder whose parts are the packages of the workspace. */
export const PACKAGES = 'packages'

const block = /^```arrows (\S+)\n([\s\S]*?)^```$/gm

/**
 * Returns the arrows that ARCHITECTURE.md states, by folder. A block begins with `arrows` and the
 * folder; each line reads `part → part, part`, or `part → nothing`.
 */
export function statedArrows(): ReadonlyMap<string, Arrows> {
  return new Map([...readText('ARCHITECTURE.md').matchAll(block)].map(([, folder = '', lines = '']) => [folder, readLines(lines)]))
}

/**
 * Returns the arrows that the released sources below a folder have; without types, only those that
 * are there at run time.
 */
export function foundArrows(folder: string, { withTypes = true }: { readonly withTypes?: boolean } = {}): Arrows {
  const counts = ({ isTypeOnly }: Import): boolean => withTypes || !isTypeOnly
  return folder === PACKAGES ? arrowsBetweenPackages(counts) : arrowsInside(folder, counts)
}

/**
 * Returns the part of a folder that a file belongs to: a folder in it, or a file in it by its name
 * without extension.
 */
export function partOf(path: string, folder: string): string | undefined {
  if (!path.startsWith(`${folder}/`)) return undefined
  return path
    .slice(folder.length + 1)
    .split('/')[0]
    ?.replace(/\.tsx?$/, '')
}

function readLines(lines: string): Arrows {
  return new Map(
    lines
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [from = '', to = ''] = line.split('→').map((half) => half.trim())
        return [from, to === 'nothing' ? [] : to.split(', ').toSorted()]
      }),
  )
}

function arrowsBetweenPackages(counts: (imported: Import) => boolean): Arrows {
  const released = allRooms().filter(({ manifest }) => manifest.private !== true)
  return new Map(
    released.map(({ folder, name }) => {
      const imported = allSources()
        .filter(({ path, isDevelopmentOnly }) => path.startsWith(`${folder}/`) && !isDevelopmentOnly)
        .flatMap(({ imports }) => imports.filter(counts).map(({ from }) => packageOf(from) ?? ''))
        .filter((target) => target.startsWith('@berth/') && target !== name)
      return [nameOf(name), sorted(imported.map(nameOf))]
    }),
  )
}

function arrowsInside(folder: string, counts: (imported: Import) => boolean): Arrows {
  const found = new Map<string, string[]>()
  for (const source of allSources()) {
    const from = partOf(source.path, folder)
    if (from === undefined || source.isDevelopmentOnly) continue
    const targets = source.imports
      .filter((imported) => imported.from.startsWith('.') && counts(imported))
      .map((imported) => partOf(resolveImport(source, imported), folder))
      .filter((to) => to !== undefined && to !== from)
    found.set(from, [...(found.get(from) ?? []), ...(targets as string[])]) // undefined is filtered out above
  }
  return new Map([...found].map(([part, targets]) => [part, sorted(targets)]))
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted()
}

function nameOf(packageName: string): string {
  return packageName.replace('@berth/', '')
}
