import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { allSources, filesBelow } from './repository.ts'

const migrations = 'apps/server/src/database/migrations'
const emptyNames = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'managers'])

const sources = allSources()

test('files and folders are kebab-case', () => {
  const file = /^[a-z0-9]+(-[a-z0-9]+)*(\.gen|(\.(db|process|e2e))?\.test|\.test-d|\.d)?\.(ts|tsx|mjs|js)$/
  const folder = /^[a-z0-9]+(-[a-z0-9]+)*$/
  const wrong = sources.filter(({ path }) => {
    const folders = path.split('/').slice(0, -1)
    return !file.test(basename(path)) || folders.some((name) => !folder.test(name))
  })
  expect(
    wrong.map(
      ({ path }) =>
        `${path}: write it like autostart-loop.ts; tests end in .test.ts, .db.test.ts, .process.test.ts, .e2e.test.ts or .test-d.ts`,
    ),
  ).toEqual([])
})

test('no file or folder has a name without an idea in it', () => {
  const wrong = sources.filter(({ path }) =>
    path.split('/').some((name) => {
      const stem = name.replace(/\..*$/, '')
      return stem === 'types' || stem.split('-').some((word) => emptyNames.has(word))
    }),
  )
  expect(wrong.map(({ path }) => `${path}: name it for what it holds, or move its parts to where they are used`)).toEqual([])
})

test('whole-system tests are called *.e2e.test.ts and live in apps/e2e, others elsewhere', () => {
  const wrong = sources.filter(({ path }) => {
    const isWholeSystem = path.endsWith('.e2e.test.ts')
    return path.endsWith('.test.ts') && isWholeSystem !== path.startsWith('apps/e2e/')
  })
  expect(wrong.map(({ path }) => path)).toEqual([])
})

test('index.ts exists only as the front door of a package, with named exports', () => {
  const misplaced = sources.filter(({ path }) => basename(path) === 'index.ts' && !/^[^/]+\/[^/]+\/src\/index\.ts$/.test(path))
  expect(misplaced.map(({ path }) => `${path}: no barrels inside a package; import the file that holds it`)).toEqual([])
  const starred = sources.filter(({ code, isDevelopmentOnly }) => !isDevelopmentOnly && /^export \*/m.test(code))
  expect(starred.map(({ path }) => `${path}: name what is exported instead of export *`)).toEqual([])
})

test('migrations are numbered from 0001 without a gap', () => {
  const names = filesBelow(migrations).map((path) => basename(path))
  expect(names.filter((name) => !/^\d{4}_[a-z0-9]+(_[a-z0-9]+)*\.sql$/.test(name))).toEqual([])
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1))
})
