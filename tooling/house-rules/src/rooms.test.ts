import { expect, test } from 'vitest'
import { PACKAGES, statedArrows } from './arrows.ts'
import { packageOf } from './imports.ts'
import { allRooms, allSources, resolveImport, type Room, type Source } from './repository.ts'

/** What a released package may import of the others: what ARCHITECTURE.md draws. */
const arrows: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...(statedArrows().get(PACKAGES) ?? [])].map(([from, targets]) => [`@berth/${from}`, targets.map((to) => `@berth/${to}`)]),
)

/** What tests and scripts of a package may import beyond that. */
const testArrows: Readonly<Record<string, readonly string[]>> = {
  '@berth/server': ['@berth/sdk'],
  '@berth/house-rules': ['@berth/schema'],
}

/** The rooms that look at the whole system and may import apps. */
const wholeSystem = new Set(['@berth/e2e', '@berth/bench'])
const tooling = new Set([
  '@berth/bundle',
  '@berth/node-version',
  '@berth/requirements',
  '@berth/test-cluster',
  '@berth/vitest',
  '@berth/typescript',
])
const rooms = allRooms()

test('packages import only those that the arrows of ARCHITECTURE.md allow', () => {
  const wrong = allSources().flatMap((source) => {
    const room = roomOf(source)
    if (!room || wholeSystem.has(room.name)) return []
    return source.imports.flatMap(({ from }) => {
      const target = packageOf(from)
      if (!target?.startsWith('@berth/') || target === room.name || mayImport(room, target, source.isDevelopmentOnly)) return []
      return [`${source.path} imports ${from}. ${advice(room, target)}`]
    })
  })
  expect(wrong).toEqual([])
})

/** Programs that a package starts from where they are installed, and never imports. */
const started: Readonly<Record<string, string>> = { '@berth/server': '@berth/agent' }

test('package.json files declare only those too, and the programs that they start', () => {
  const wrong = rooms.flatMap(({ name, folder, manifest }) => {
    if (wholeSystem.has(name)) return []
    const room = { name, folder, manifest }
    const released = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }
    const undeclared = (names: readonly string[], isDevelopmentOnly: boolean) =>
      names.filter((target) => target.startsWith('@berth/') && target !== started[name] && !mayImport(room, target, isDevelopmentOnly))
    return [...undeclared(Object.keys(released), false), ...undeclared(Object.keys(manifest.devDependencies ?? {}), true)].map(
      (target) => `${folder}/package.json depends on ${target}. ${advice(room, target)}`,
    )
  })
  expect(wrong).toEqual([])
})

test('a package is entered by its name, never by a path', () => {
  const wrong = allSources().flatMap((source) => {
    const room = roomOf(source)
    return source.imports
      .filter(
        ({ from }) => from.startsWith('.') && room && !resolveImport(source, { from, isTypeOnly: false }).startsWith(`${room.folder}/`),
      )
      .map(({ from }) => `${source.path} imports ${from}: import the package by its name and declare it in package.json.`)
  })
  expect(wrong).toEqual([])
})

/** Packages whose build takes `devDependencies` into the bundle and refuses imports of others. */
const isBundled = ({ manifest }: Room): boolean => ['@berth/bundle', 'esbuild'].some((name) => name in (manifest.devDependencies ?? {}))

test('what is released imports at run time only what it declares as a dependency, or has in its bundle', () => {
  const wrong = allSources().flatMap((source) => {
    const room = roomOf(source)
    if (!room || source.isDevelopmentOnly || !source.path.startsWith(`${room.folder}/src/`)) return []
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = room.manifest
    const bundled = isBundled(room) ? devDependencies : {}
    const declared = new Set(Object.keys({ ...dependencies, ...bundled, ...optionalDependencies, ...peerDependencies }))
    return source.imports.flatMap(({ from, isTypeOnly }) => {
      const target = packageOf(from)
      if (isTypeOnly || target === undefined || target === room.name || declared.has(target)) return []
      return [`${source.path} imports ${from}: move ${target} to "dependencies" of ${room.folder}/package.json, or import its types only.`]
    })
  })
  expect(wrong).toEqual([])
})

function roomOf({ path }: Source): Room | undefined {
  return rooms.find(({ folder }) => path.startsWith(`${folder}/`))
}

function mayImport({ name }: Pick<Room, 'name'>, target: string, isDevelopmentOnly: boolean): boolean {
  const allowed = arrows[name] ?? []
  if (!isDevelopmentOnly) return allowed.includes(target)
  return allowed.includes(target) || tooling.has(target) || (testArrows[name] ?? []).includes(target)
}

function advice({ name }: Pick<Room, 'name'>, target: string): string {
  if (['@berth/server', '@berth/cli', '@berth/agent'].includes(target))
    return 'Nobody imports an app; a test of the whole system lives in apps/e2e.'
  if (tooling.has(target)) return 'Tooling is for tests and scripts, so import it from a test.'
  const allowed = arrows[name] ?? []
  return `${name} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package'}; move what both need into one of the packages that both may import.`
}
