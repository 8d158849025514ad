import { verifies } from '@berth/requirements'
import { runs } from '@berth/vitest/fuzz'
import { assert, constantFrom, array, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkReference, createFiller, parseText, type ReferenceValues } from './references.ts'

const values: ReferenceValues = {
  parameters: new Map([
    ['size', '3'],
    ['evil', '${{ parameters.size }} $${{ ${{ workspace.name }}'],
  ]),
  workspace: {
    name: 'dev',
    id: 'workspace-id',
    owner: 'anna',
    owner_id: 'owner-id',
    owner_email: 'anna@example.com',
    transition: 'start',
    access_url: 'http://berth',
  },
}

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['${{ parameters.size }}', '3'],
  ['${{parameters.size}}${{workspace.name}}', '3dev'],
  ['a ${{  workspace.owner_email  }} b', 'a anna@example.com b'],
  ['$${{ parameters.size }}', '${{ parameters.size }}'],
  ['$$${{ parameters.size }}', '$${{ parameters.size }}'],
  ['$HOME ${x} ${ {', '$HOME ${x} ${ {'],
  ['}} ${{ workspace.id }} }}', '}} workspace-id }}'],
])('%j becomes %j', (text, filled) => {
  expect(createFiller(values)(text)).toBe(filled)
})

test('the filled-in texts of a template have a limit together', () => {
  verifies('berth:templates:filled-size')
  const fill = createFiller({ ...values, parameters: new Map([['a', 'x'.repeat(65_536)]]) })
  for (let time = 0; time < 8; time += 1) expect(fill('${{ parameters.a }}${{ parameters.a }}')).toHaveLength(131_072)
  expect(() => fill('x')).toThrow('the texts of the template are longer than 1048576 characters')
})

test('references that never end take linear time', () => {
  expect(parseText('${{ a '.repeat(200_000))).toHaveLength(400_000)
})

test('references in a filled-in value are not resolved', () => {
  expect(createFiller(values)('<${{ parameters.evil }}>')).toBe('<${{ parameters.size }} $${{ ${{ workspace.name }}>')
})

function check(text: string): string | undefined {
  return parseText(text)
    .map((part) => checkReference(part, new Set(['size'])))
    .find((message) => message !== undefined)
}

describe('checkReference', () => {
  test.each([
    ['${{ parameters.sise }}', '${{ parameters.sise }} refers to an unknown parameter; the parameters are: size'],
    ['${{ workspace.nme }}', 'refers to nothing; a workspace has: name, id,'],
    ['${{ secrets.x }}', 'references start with "parameters." or "workspace."'],
    ['${{ size }}', "${{ size }} isn't a valid reference; write ${{ parameters.name }}"],
    ['${{ parameters.size', "${{ isn't a valid reference"],
    ['${{ parameters.size\n}}', "${{ isn't a valid reference"],
    ['${{ parameters.size || 1 }}', "isn't a valid reference"],
    ['${{}}', "${{}} isn't a valid reference"],
  ])('%j is refused', (text, message) => {
    expect(check(text)).toContain(message)
  })

  test('property names that JavaScript reserves refer to nothing', () => {
    expect(check('${{ workspace.constructor }}')).toContain('refers to nothing')
    expect(check('${{ parameters.__proto__ }}')).toContain('refers to an unknown parameter')
    expect(() => createFiller(values)('${{ workspace.toString }}')).toThrow('refers to nothing')
  })
})

const piece = oneof(constantFrom('${{', '$${{', '}}', '$', '{{', ' parameters.size ', ' workspace.name ', '\n'), string({ maxLength: 5 }))

test('the parts of any text add up to the text', () => {
  assert(
    property(array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      const again = parseText(text).map((part) => (part.kind === 'text' ? (part.text === '${{' ? '$${{' : part.text) : part.source))
      expect(again.join('')).toBe(text)
    }),
    { numRuns: runs(2_000) },
  )
})

test('any value is filled in unchanged', () => {
  verifies('berth:templates:interpolation')
  assert(
    property(array(piece, { maxLength: 8 }), (pieces) => {
      const value = pieces.join('')
      const filled = createFiller({ ...values, parameters: new Map([['x', value]]) })('[${{ parameters.x }}|${{ parameters.x }}]')
      expect(filled).toBe(`[${value}|${value}]`)
    }),
    { numRuns: runs(1_000) },
  )
})

test('any text can be escaped', () => {
  assert(
    property(array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('').replaceAll('$${{', '')
      expect(createFiller(values)(text.replaceAll('${{', () => '$${{'))).toBe(text)
    }),
    { numRuns: runs(1_000) },
  )
})
