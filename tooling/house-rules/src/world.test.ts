import { expect, test } from 'vitest'
import { allSources } from './repository.ts'

const released = allSources().filter(({ path, isDevelopmentOnly }) => !isDevelopmentOnly && !path.includes('/bin/'))
const all = allSources()

test.each([
  [
    'process.env',
    /\bprocess\.env\b/,
    /\/src\/(main|config|run|world)\.ts$/,
    'take the value as a parameter; main.ts or config.ts reads it',
  ],
  ['process.exit', /\bprocess\.exit\b/, /\/src\/(main|run)\.ts$/, 'throw, or return an exit status; main.ts ends the process'],
  ['process.argv', /\bprocess\.argv\b/, /\/(main|src\/run)\.ts$/, 'take the arguments as a parameter'],
])('%s is read at the edge only', (_, use, edge, advice) => {
  const wrong = released.filter(({ path, code }) => use.test(code) && !edge.test(path))
  expect(wrong.map(({ path }) => `${path}: ${advice}`)).toEqual([])
})

test('nobody prints with console', () => {
  const wrong = released.filter(({ code }) => /\bconsole\.(log|error|warn|info|debug)\(/.test(code))
  expect(wrong.map(({ path }) => `${path}: use the logger or terminal that is passed in`)).toEqual([])
})

test('no command line is built as a string', () => {
  const wrong = released.filter(({ code }) => /\b(exec|execSync)\(\s*[`'"]|\bshell:\s*true\b/.test(code))
  expect(wrong.map(({ path }) => `${path}: spawn a program with an argument array`)).toEqual([])
})

test('no test is skipped, singled out or left to do', () => {
  const wrong = all.filter(
    ({ path, code }) => /\.test(-d)?\.tsx?$/.test(path) && /\b(test|it|describe|suite)(\.\w+)*\.(skip|only|todo)\b/.test(code),
  )
  expect(wrong.map(({ path }) => `${path}: a gap that is known is a knownGap row in tooling/requirements`)).toEqual([])
})

test('nothing is left for later in the code', () => {
  // The brackets keep this file from being its own finding.
  const marks = /\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b/
  const wrong = all.filter(({ text }) => marks.test(text))
  expect(wrong.map(({ path }) => `${path}: do it now or file an issue`)).toEqual([])
})

test('a lint or type error is silenced only with its reason', () => {
  const silenced = /\/[/*]\s*(?:(?:oxlint|eslint)-disable(?!.* -- \S)|@ts-(?:ignore|nocheck)|@ts-expect-error\s*$)/
  const wrong = all.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line) => (silenced.test(line) ? [`${path}: ${line.trim()}`] : [])),
  )
  expect(wrong).toEqual([])
})
