import { dirname, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allRooms, allSources, exists, filesBelow, readText } from './repository.ts'

const documents = filesBelow('.').filter((path) => path.endsWith('.md') && !path.startsWith('.changeset/'))

describe('README', () => {
  test('shows both commands near its top', () => {
    const top = readText('README.md').split('\n').slice(0, 25).join('\n')
    expect(top).toContain('npx -y pnpm@10 start')
    expect(top).toContain('npx -y pnpm@10 test')
  })

  test('lists every published package', () => {
    const readme = readText('README.md')
    const names = allRooms()
      .filter(({ manifest }) => manifest.private !== true)
      .map(({ name }) => name)
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  })
})

test('ARCHITECTURE.md names every room', () => {
  const text = readText('ARCHITECTURE.md')
  const names = allRooms().map(({ folder }) => folder.split('/')[1] ?? '')
  expect(names.filter((name) => !new RegExp(`^\\s+${name}/`, 'm').test(text))).toEqual([])
})

test('AGENTS.md points to places that exist, in at most 100 lines', () => {
  const text = readText('AGENTS.md')
  expect(text.split('\n').length).toBeLessThanOrEqual(101)
  const places = [...text.matchAll(/`((?:apps|packages|tooling|\.changeset)\/[^`<*{ ]*)`/g)].map(([, path = '']) => path.replace(/\/$/, ''))
  expect(places.filter((path) => !exists(path))).toEqual([])
})

test('relative links in documents lead somewhere', () => {
  const wrong = documents.flatMap((path) =>
    [...readText(path).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => !/^[a-z]+:/.test(link) && !exists(posix.join(dirname(path), link)))
      .map((link) => `${path} links to ${link}`),
  )
  expect(wrong).toEqual([])
})

test('decisions are dated and named, and say context, decision and consequence', () => {
  const decisions = filesBelow('apps/docs/decisions')
  expect(decisions.filter((path) => !/\/\d{4}-\d{2}-\d{2}-[a-z0-9-]+\.md$/.test(path))).toEqual([])
  const incomplete = decisions.filter(
    (path) => !['## Context', '## Decision', '## Consequence'].every((heading) => readText(path).includes(heading)),
  )
  expect(incomplete).toEqual([])
})

test('no text names a place on one person’s machine or a private registry', () => {
  // The brackets keep this file from being its own finding.
  const place = /\/[w]ork\/|\/[U]sers\/|file:[/]{3}|localhost:[4]873/
  const texts = [
    ...documents,
    ...allSources().map(({ path }) => path),
    ...filesBelow('.').filter((path) => /^(\.ci\/|\.changeset\/)|\.(json|ya?ml|sql)$/.test(path)),
  ]
  const wrong = texts.filter((path) => place.test(readText(path)))
  expect(wrong).toEqual([])
  expect(/tarball: |registry\./.test(readText('pnpm-lock.yaml'))).toBe(false)
})
