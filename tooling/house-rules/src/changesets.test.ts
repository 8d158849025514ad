import { expect, test } from 'vitest'
import { allRooms, filesBelow, readText } from './repository.ts'

const published = new Set(
  allRooms()
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ name }) => name),
)
const changesets = filesBelow('.changeset')
  .filter((path) => path.endsWith('.md') && !path.endsWith('README.md'))
  .map((path) => {
    const [, front = '', body = ''] = /^---\n([\s\S]*?)---\n([\s\S]*)$/.exec(readText(path)) ?? []
    return { path, lines: front.split('\n').filter(Boolean), body: body.trim() }
  })

test('a changeset names published packages and how far each moves', () => {
  const wrong = changesets.flatMap(({ path, lines }) => {
    if (lines.length === 0) return [`${path}: begin with --- and one line for each package`]
    return lines
      .filter((line) => {
        const [, name = ''] = /^'(@berth\/[a-z-]+)': (?:patch|minor|major)$/.exec(line) ?? []
        return !published.has(name)
      })
      .map((line) => `${path}: "${line}" should read '@berth/<published package>': patch, minor or major`)
  })
  expect(wrong).toEqual([])
})

test('a changeset speaks to those who use Berth', () => {
  const wrong = changesets.filter(
    ({ body }) =>
      !/^[A-Z`]/.test(body) ||
      !/[.!`]$/.test(body) ||
      /^(feat|fix|chore|refactor|docs|test)(\(.*\))?:/i.test(body) ||
      /\b(src\/|\.ts\b)/.test(body),
  )
  expect(wrong.map(({ path }) => `${path}: one or more full sentences on what users can do now; no prefix, no source file`)).toEqual([])
})
