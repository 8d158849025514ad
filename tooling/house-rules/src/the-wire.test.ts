import { requirements } from '@berth/requirements'
import { expect, test } from 'vitest'
import { allSources, filesBelow, readText } from './repository.ts'

const page = 'apps/docs/the-wire.md'
const pageText = readText(page)
// Escaped, so that this file cites nothing itself.
const sign = '\u00A7'
const number = String.raw`\d+(?:\.\d+)*`

/** The sections of each document of the specification that the page lists. */
const sections = new Map(
  pageText
    .split(/^### /m)
    .slice(1)
    .map((part) => [
      /^\S*/.exec(part)?.[0] ?? '',
      new Set([...part.replace(/^## [\s\S]*/m, '').matchAll(new RegExp(`${sign}(${number})`, 'g'))].map(([, section = '']) => section)),
    ]),
)

test('the page lists the sections of three documents', () => {
  expect([...sections.keys()]).toEqual(['workspaces', 'platform', 'terraform-provider'])
  for (const listed of sections.values()) expect(listed.size).toBeGreaterThan(5)
})

test.each([
  [`see workspaces ${sign}15.1`, []],
  [`workspaces ${sign}7.3, ${sign}8.6, platform ${sign}0.2`, []],
  [`RFC 4251 ${sign}5`, []],
  [`workspaces ${sign}99`, [`workspaces ${sign}99`]],
  [`workspaces ${sign}7.3, ${sign}99.1`, [`workspaces ${sign}99.1`]],
  [`elsewhere ${sign}1`, [`elsewhere ${sign}1`]],
  [`in ${sign}1.5 of it, and ${sign}x`, [`in ${sign}1.5`, `${sign}x`]],
])('in "%s" the unknown citations are %j', (text, unknown) => {
  expect(unknownCitations(text)).toEqual(unknown)
})

test('every citation names a section that the page lists', () => {
  const documents = filesBelow('.').filter((path) => /\.(md|sql)$/.test(path) && path !== page)
  const texts = [...allSources(), ...documents.map((path) => ({ path, text: readText(path) }))].filter(
    ({ path }) => path !== 'tooling/house-rules/src/the-wire.test.ts',
  )
  const wrong = texts.flatMap(({ path, text }) => unknownCitations(text).map((citation) => `${path} cites "${citation}"`))
  expect(wrong, `cite a document and a section of the tables in ${page}, for example "workspaces ${sign}15.1"`).toEqual([])
})

test('every requirement names a source that the page lists', () => {
  const wrong = requirements.filter(
    ({ section }) => !section.includes(sign) && !pageText.includes(`\`${section}\``) && !/^Berth: ./.test(section),
  )
  expect(wrong.map(({ id, section }) => `${id}: "${section}"`)).toEqual([])
})

/** Lists the citations of a text whose document or section the page doesn't know. */
function unknownCitations(text: string): string[] {
  const citation = new RegExp(String.raw`(?:(RFC \d+|[\w-]+) )?${sign}(${number})((?:, ${sign}${number})*)|${sign}\S*`, 'g')
  return [...text.matchAll(citation)].flatMap(([whole, document = '', first, others = '']) => {
    if (first === undefined) return [whole]
    if (document.startsWith('RFC ')) return []
    const named = [first, ...others.split(`, ${sign}`).slice(1)]
    return named.filter((section) => !sections.get(document)?.has(section)).map((section) => `${document} ${sign}${section}`.trim())
  })
}
