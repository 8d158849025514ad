import { verifies } from '@berth/requirements'
import { runs } from '@berth/vitest/fuzz'
import { assert, constantFrom, array, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkReference, fillText, parseText, type ReferenceValues } from './references.ts'

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
  expect(fillText(text, values)).toBe(filled)
})

test('references in a filled-in value are not resolved', () => {
  expect(fillText('<${{ parameters.evil }}>', values)).toBe('<${{ parameters.size }} $${{ ${{ workspace.name }}>')
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
    expect(() => fillText('${{ workspace.toString }}', values)).toThrow('refers to nothing')
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
      const filled = fillText('[${{ parameters.x }}|${{ parameters.x }}]', { ...values, parameters: new Map([['x', value]]) })
      expect(filled).toBe(`[${value}|${value}]`)
    }),
    { numRuns: runs(1_000) },
  )
})

test('any text can be escaped', () => {
  assert(
    property(array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('').replaceAll('$${{', '')
      expect(
        fillText(
          text.replaceAll('${{', () => '$${{'),
          values,
        ),
      ).toBe(text)
    }),
    { numRuns: runs(1_000) },
  )
})
