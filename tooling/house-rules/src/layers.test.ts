import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { partOf } from './arrows.ts'
import { allSources, resolveImport, type Source } from './repository.ts'
import type { Import } from './imports.ts'

/** An import between two files of one package. */
interface Arrow extends Import {
  readonly source: Source
  readonly target: string
}

describe('inside the server', () => {
  const arrows = arrowsIn('apps/server/src/')

  test('routes call the service, the service calls the store, and present is pure', () => {
    const wrong = arrows.filter((arrow) => featureOf(arrow.source.path) === featureOf(arrow.target)).flatMap(layerFault)
    expect(wrong).toEqual([])
  })

  test('only routes know HTTP: services, stores and loops throw a Failure of @berth/schema', () => {
    const wrong = arrows.filter(
      ({ source, target, isTypeOnly }) =>
        featureOf(source.path) !== undefined &&
        partOf(target, 'apps/server/src') === 'http' &&
        !isTypeOnly &&
        !/^(routes|.*-(routes|socket|stream))\.ts$/.test(basename(source.path)),
    )
    expect(wrong.map(({ source, target }) => `${source.path} imports ${target}: keep HTTP in routes.ts`)).toEqual([])
  })

  test('features meet by the type of the other service, or by its pure present.ts', () => {
    const wrong = arrows.filter(({ source, target, isTypeOnly }) => {
      const [from, to] = [featureOf(source.path), featureOf(target)]
      if (from === undefined || to === undefined || from === to) return false
      return !(basename(target) === 'present.ts' || (basename(target) === 'service.ts' && isTypeOnly))
    })
    expect(
      wrong.map(({ source, target }) => `${source.path} imports ${target}: \`import type\` the service and let compose pass it in`),
    ).toEqual([])
  })

  test('a feature has at most 12 files', () => {
    const counts = new Map<string, number>()
    for (const { path } of allSources()) {
      const feature = path.endsWith('.test.ts') ? undefined : featureOf(path)
      if (feature !== undefined) counts.set(feature, (counts.get(feature) ?? 0) + 1)
    }
    expect(
      [...counts].filter(([, count]) => count > 12).map(([feature, count]) => `${feature} has ${count} files: it is two features`),
    ).toEqual([])
  })
})

describe('inside the command line', () => {
  const arrows = arrowsIn('apps/cli/src/')

  test('terminal knows no command, and commands are listed by the runner only', () => {
    const wrong = arrows.filter(
      ({ source, target }) =>
        target.startsWith('apps/cli/src/commands/') &&
        !/^apps\/cli\/src\/(main|run|command-tree)\.ts$/.test(source.path) &&
        !source.path.startsWith('apps/cli/src/commands/'),
    )
    expect(wrong.map(({ source, target }) => `${source.path} imports ${target}: move what both need out of commands/`)).toEqual([])
  })

  test('a command does not import the runner', () => {
    const wrong = arrows.filter(
      ({ source, target }) => source.path.startsWith('apps/cli/src/commands/') && /\/src\/(main|run)\.ts$/.test(target),
    )
    expect(wrong.map(({ source }) => `${source.path}: a command describes itself and returns; run.ts does the rest`)).toEqual([])
  })

  test('only the edge touches process', () => {
    const wrong = allSources().filter(
      ({ path, code, isDevelopmentOnly }) =>
        path.startsWith('apps/cli/src/') &&
        !isDevelopmentOnly &&
        /\bprocess\.[a-z]/.test(code) &&
        !/^apps\/cli\/src\/(main|run)\.ts$/.test(path),
    )
    expect(wrong.map(({ path }) => `${path}: take it from the world that main.ts passes in`)).toEqual([])
  })
})

test('the contract does no I/O: packages/schema imports no Node built-in and no other package than TypeBox', () => {
  const wrong = allSources()
    .filter(({ path, isDevelopmentOnly }) => path.startsWith('packages/schema/src/') && !isDevelopmentOnly)
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ from }) => !from.startsWith('.') && !from.startsWith('@sinclair/typebox'))
        .map(({ from }) => `${path} imports ${from}`),
    )
  expect(wrong).toEqual([])
})

/**
 * Layers of a feature that a file may not import, by file name; every other file stands beside the
 * service.
 */
function layerFault({ source, target, isTypeOnly }: Arrow): string[] {
  const [from, to] = [basename(source.path, '.ts'), basename(target, '.ts')]
  const forbidden: Readonly<Record<string, readonly string[]>> = {
    routes: ['store'],
    service: ['routes'],
    store: ['routes', 'service'],
    present: isTypeOnly ? [] : ['routes', 'service', 'store'],
  }
  if (!(forbidden[from] ?? ['routes']).includes(to)) return []
  return [`${source.path} imports ${target}: routes call the service, the service the store, and present only shapes what it is given`]
}

function arrowsIn(folder: string): Arrow[] {
  return allSources()
    .filter(({ path, isDevelopmentOnly }) => path.startsWith(folder) && !isDevelopmentOnly)
    .flatMap((source) =>
      source.imports
        .filter(({ from }) => from.startsWith('.'))
        .map((found) => ({ ...found, source, target: resolveImport(source, found) })),
    )
}

function featureOf(path: string): string | undefined {
  return /^apps\/server\/src\/(features\/[^/]+)\//.exec(path)?.[1]
}
