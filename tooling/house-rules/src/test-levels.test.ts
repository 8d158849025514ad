import { expect, test } from 'vitest'
import { allSources, resolveImport, type Source } from './repository.ts'

/*
 * The end of a test file's name decides which project of vitest.config.ts runs it. Files of the
 * projects `pure` and `database` share a thread or a process, so they must leave it unchanged.
 */

const sources = new Map(allSources().map((source) => [source.path, source]))
const tests = [...sources.values()].filter(({ path }) => path.endsWith('.test.ts'))
const pure = tests.filter(({ path }) => !/\.(db|process|e2e)\.test\.ts$/.test(path))
const sharing = tests.filter(({ path }) => !/\.(process|e2e)\.test\.ts$/.test(path))

/** A test with the fixtures it imports, directly or through others. */
function withFixtures(source: Source, seen = new Set<Source>()): Set<Source> {
  if (seen.has(source)) return seen
  seen.add(source)
  for (const imported of source.imports) {
    const fixture = imported.from.startsWith('.') ? sources.get(resolveImport(source, imported)) : undefined
    if (fixture?.isDevelopmentOnly === true) withFixtures(fixture, seen)
  }
  return seen
}

function uses(files: readonly Source[], what: RegExp): string[] {
  return files.filter((file) => [...withFixtures(file)].some(({ code }) => what.test(code))).map(({ path }) => path)
}

test('a test that starts programs is called *.process.test.ts, *.db.test.ts or *.e2e.test.ts', () => {
  const starts = /from '(node:child_process|node:cluster)'/
  expect(uses(pure, starts).map((path) => `${path}: call it *.process.test.ts`)).toEqual([])
})

test('a test with a database is called *.db.test.ts, *.process.test.ts or *.e2e.test.ts', () => {
  const opens = /\b(startTestServer|createTestDatabase|startEmbeddedPostgres)\(/
  expect(uses(pure, opens).map((path) => `${path}: call it *.db.test.ts`)).toEqual([])
})

test('a test that changes its process or replaces modules is called *.process.test.ts', () => {
  const changes =
    /\bprocess\.(chdir|umask|setuid|setgid|seteuid|setegid)\(|\bprocess\.env(\.\w+|\[[^\]]+\])? = |assign\(process\.env\b|\bvi\.(mock|doMock|hoisted|stubEnv|stubGlobal|resetModules)\(/
  expect(uses(sharing, changes).map((path) => `${path}: call it *.process.test.ts`)).toEqual([])
})

test('a test that fakes timers gives the real ones back', () => {
  const wrong = sharing.filter(
    ({ code }) => /\bvi\.useFakeTimers\(/.test(code) && !/after(Each|All)\([^\n]*\n?[^\n]*vi\.useRealTimers\(\)/.test(code),
  )
  expect(wrong.map(({ path }) => `${path}: call vi.useRealTimers() in afterEach`)).toEqual([])
})
