import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hasInvisibleCharacters,
  isAppSlug,
  isEmail,
  isName,
  isTemplateDisplayName,
  isUsername,
  randomName,
  truncateRunes,
  usernameFrom,
} from './names.ts'

describe('isName', () => {
  it.each(['1', '12', 'a', 'A', 'a1b2', 'a1b2c3d4e5f6g7h8i9j0k', 'wow-test', 'a-b-c', 'Wow-1', 'a'.repeat(32)])('%j is a name', (text) => {
    expect(isName(text)).toBe(true)
  })
  it.each([
    '',
    ' ',
    '  ',
    ' a',
    'a ',
    ' a ',
    'a b',
    'bananas_wow',
    'test--now',
    '-a',
    'a-',
    '-',
    'a\n',
    'é',
    'a'.repeat(33),
    'a.b',
    'me@x',
  ])('%j is not a name', (text) => expect(isName(text)).toBe(false))
})

describe('isUsername', () => {
  it.each(['a', 'ada', 'me2', '2me', 'm-e', '1-2', 'mee', 'deadbeef', 'a'.repeat(31), '1a'])('%j is one', (text) => {
    expect(isUsername(text)).toBe(true)
  })
  it.each(['me', 'Me', 'ME', '0', '42', '9'.repeat(32), '9'.repeat(31), 'a'.repeat(32), 'DEADBEEF'.repeat(4), '', 'a_b', '-a'])(
    '%j is none',
    (text) => expect(isUsername(text)).toBe(false),
  )
})

it('only ASCII spaces and characters that people see are visible', () => {
  for (const text of ['ada@example.com', '"a b"@example.com', 'Dörte@Sörensen.example.com', '用户@例子.广告', 'उपयोगकर्ता@उदाहरण.कॉम'])
    expect([text, hasInvisibleCharacters(text)]).toEqual([text, false])
  const invisible = [
    0x00, 0x09, 0x0a, 0x7f, 0x85, 0xa0, 0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x2028, 0x202e, 0x2060, 0x2066,
    0x3000, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xe0061,
  ]
  for (const code of invisible)
    expect([code.toString(16), hasInvisibleCharacters(`a${String.fromCodePoint(code)}@example.com`)]).toEqual([code.toString(16), true])
})

describe('isTemplateDisplayName', () => {
  it.each(['', 'a', 'My Template', 'a  b', 'Schöne Vorlage', 'bananas_wow', 'x'.repeat(64), 'é'.repeat(32), '\u00a0a'])(
    '%j is one',
    (text) => {
      expect(isTemplateDisplayName(text)).toBe(true)
    },
  )
  it.each([' ', ' a', 'a ', '\ta', 'a\t', 'a\n', 'a\nb', 'x'.repeat(65), 'é'.repeat(33)])('%j is not a display name', (text) => {
    expect(isTemplateDisplayName(text)).toBe(false)
  })
})

describe('isEmail', () => {
  it.each([
    'testuser@coder.com',
    'a@b.c',
    'first.last+tag@mail.example.org',
    'admin@localhost',
    'Dörte@Sörensen.example.com',
    'θσερ@εχαμπλε.ψομ',
    'юзер@екзампл.ком',
    'उपयोगकर्ता@उदाहरण.कॉम',
    '用户@例子.广告',
    '"test test"@email.com',
    '"a@b"@email.com',
    "o'neil@a-b.example",
    'x@1and1.com',
    'x@example.com.',
  ])('%s is an address', (text) => expect(isEmail(text)).toBe(true))

  it.each([
    '',
    'a',
    '@email.com',
    'a@',
    'a@b@c.com',
    '"@email.com',
    'a b@c.com',
    ' a@b.com',
    'a@b.com\n',
    '.a@b.com',
    'a.@b.com',
    'a..b@c.com',
    'a@-b.com',
    'a@b-.com',
    'a@b..com',
    'a@.com',
    'a@10.0.0.1',
    'a@b_c.com',
    'a<b>@c.com',
    `${'a'.repeat(320)}@b.com`,
  ])('%j is not an address', (text) => expect(isEmail(text)).toBe(false))
})

it.each([
  ['code-server', true],
  ['a', true],
  ['8080', true],
  ['', false],
  ['Code', false],
  ['a--b', false],
  ['-a', false],
  ['a-', false],
  ['a_b', false],
  ['a\n', false],
])('isAppSlug(%j) is %s', (text, expected) => expect(isAppSlug(text)).toBe(expected))

const randoms = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
const from = (stream: Iterator<number>) => () => Number(stream.next().value)

describe('random names', () => {
  it('are an adjective, a surname and a digit; with a hyphen they are valid names', () => {
    fc.assert(
      fc.property(randoms, (stream) => {
        const name = randomName(from(stream))
        expect(name).toMatch(/^[a-z]+_[a-z]+\d$/)
        expect(isName(name.replace('_', '-'))).toBe(true)
      }),
    )
  })

  it('reach both ends of the lists', () => {
    expect(randomName(() => 0)).toBe('able_abel0')
    expect(randomName(() => 0.999999)).toBe('zesty_zuse9')
  })
})

describe('usernameFrom', () => {
  it.each([
    ['kyle', 'kyle'],
    ['kyle@coder.com', 'kyle'],
    ['kyle.carberry@coder.com', 'kylecarberry'],
    ['ky le', 'kyle'],
    ['"a@b"@c.com', 'ab'],
    ['a-b@c', 'a-b'],
    ['@coder.com', 'able-abel0'],
    ['a--b', 'able-abel0'],
    ['-', 'able-abel0'],
    ['', 'able-abel0'],
    ['用户', 'able-abel0'],
    ['me', 'able-abel0'],
    ['me@coder.com', 'able-abel0'],
    ['4711', 'able-abel0'],
    ['4711@coder.com', 'able-abel0'],
    ['x'.repeat(33), 'able-abel0'],
  ])('of %j is %s', (text, username) => expect(usernameFrom(text, () => 0)).toBe(username))

  it('is always a name', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), randoms, (text, stream) => isUsername(usernameFrom(text, from(stream)))))
  })
})

describe('truncateRunes', () => {
  it.each([
    ['', 0, ''],
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['abc', 0, ''],
    ['日本語', 2, '日本'],
    ['a😀b', 2, 'a😀'],
    ['😀😀', 1, '😀'],
    ['😀😀', 2, '😀😀'],
  ])('%j to %d is %j', (text, max, cut) => expect(truncateRunes(text, max)).toBe(cut))

  it('keeps the first code points', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.nat(20),
        (text, max) => truncateRunes(text, max) === Array.from(text).slice(0, max).join(''),
      ),
    )
  })
})
