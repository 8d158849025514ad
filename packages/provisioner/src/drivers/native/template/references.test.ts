import { verifies } from '@berth/requirements'
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

test('what is filled in is not looked at again', () => {
  expect(fillText('<${{ parameters.evil }}>', values)).toBe('<${{ parameters.size }} $${{ ${{ workspace.name }}>')
})

function check(text: string): string | undefined {
  return parseText(text)
    .map((part) => checkReference(part, new Set(['size'])))
    .find((message) => message !== undefined)
}

describe('checkReference', () => {
  test.each([
    ['${{ parameters.sise }}', '${{ parameters.sise }} refers to no parameter; the parameters are: size'],
    ['${{ workspace.nme }}', 'refers to nothing; a workspace has: name, id,'],
    ['${{ secrets.x }}', 'references begin with "parameters." or "workspace."'],
    ['${{ size }}', '${{ size }} is no reference; write ${{ parameters.name }}'],
    ['${{ parameters.size', '${{ is no reference'],
    ['${{ parameters.size\n}}', '${{ is no reference'],
    ['${{ parameters.size || 1 }}', 'is no reference'],
    ['${{}}', '${{}} is no reference'],
  ])('%j is refused', (text, message) => {
    expect(check(text)).toContain(message)
  })

  test('names of the language itself refer to nothing', () => {
    expect(check('${{ workspace.constructor }}')).toContain('refers to nothing')
    expect(check('${{ parameters.__proto__ }}')).toContain('refers to no parameter')
    expect(() => fillText('${{ workspace.toString }}', values)).toThrow('refers to nothing')
  })
})

const piece = oneof(constantFrom('${{', '$${{', '}}', '$', '{{', ' parameters.size ', ' workspace.name ', '\n'), string({ maxLength: 5 }))

test('the pieces of any text make up the text again', () => {
  assert(
    property(array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      const again = parseText(text).map((part) => (part.kind === 'text' ? (part.text === '${{' ? '$${{' : part.text) : part.source))
      expect(again.join('')).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})

test('a value stands in the text exactly as it is, whatever it is', () => {
  verifies('berth:templates:interpolation')
  assert(
    property(array(piece, { maxLength: 8 }), (pieces) => {
      const value = pieces.join('')
      const filled = fillText('[${{ parameters.x }}|${{ parameters.x }}]', { ...values, parameters: new Map([['x', value]]) })
      expect(filled).toBe(`[${value}|${value}]`)
    }),
    { numRuns: 1_000 },
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
    { numRuns: 1_000 },
  )
})
