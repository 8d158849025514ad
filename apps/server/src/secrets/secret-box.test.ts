import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { givenKeys } from './key-file.ts'
import { SecretBox, SecretError, isSealed, placeOf } from './secret-box.ts'

const PLACE = placeOf('table', 'column', 'row')
const boxOf = (...keys: Buffer[]): SecretBox => new SecretBox(givenKeys(keys))

test('a sealed value opens in its place, and reveals nothing before', () => {
  const box = boxOf(randomBytes(32))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const plain = Buffer.from(bytes)
      const sealed = box.seal(plain, PLACE)
      expect(box.open(sealed, PLACE)).toEqual(plain)
      if (plain.length > 8) expect(sealed.includes(plain)).toBe(false)
      expect(box.seal(plain, PLACE)).not.toEqual(sealed)
    }),
  )
})

test('a value stored in clear is returned as it is', () => {
  for (const clear of ['', '{"version":4}', 'x'.repeat(100)]) expect(boxOf(randomBytes(32)).openText(Buffer.from(clear), PLACE)).toBe(clear)
})

test('a value with a changed byte, or moved to another row, does not open', () => {
  const box = boxOf(randomBytes(32))
  const sealed = box.sealText('secret', PLACE)
  expect(() => box.open(sealed, placeOf('table', 'column', 'other'))).toThrow(SecretError)
  for (let index = 4; index < sealed.length; index++) {
    const changed = Buffer.from(sealed)
    changed[index] = (changed[index] ?? 0) ^ 1
    expect(() => box.open(changed, PLACE), String(index)).toThrow(SecretError)
  }
})

test('the first key seals, all keys open, and an error names a missing key', () => {
  const [old, current] = [randomBytes(32), randomBytes(32)]
  const sealed = boxOf(old).sealText('secret', PLACE)
  const both = boxOf(current, old)
  expect(both.openText(sealed, PLACE)).toBe('secret')
  const renewed = both.sealText('secret', PLACE)
  expect(boxOf(current).openText(renewed, PLACE)).toBe('secret')
  expect(() => boxOf(current).openText(sealed, PLACE)).toThrow(
    /^\["table","column","row"\] was sealed with a key that this server doesn't have \(key [0-9a-f]{16}\)$/,
  )
  expect(renewed.subarray(0, both.currentPrefix.length)).toEqual(both.currentPrefix)
})

test('keys are read again when an unknown key is needed', () => {
  const [old, current] = [randomBytes(32), randomBytes(32)]
  let keys: Buffer[] = [old]
  const box = new SecretBox({ keys, reload: () => keys })
  keys = [current, old]
  expect(box.openText(boxOf(current).sealText('secret', PLACE), PLACE)).toBe('secret')
  expect(boxOf(current).openText(box.sealText('new', PLACE), PLACE)).toBe('new')
})

test('places with the same letters are different', () => {
  expect(placeOf('a', 'b', 'c,d')).not.toBe(placeOf('a', 'b', 'c', 'd'))
  expect(isSealed(Buffer.alloc(0))).toBe(false)
})

test('a key of another length is refused', () => {
  expect(() => boxOf(randomBytes(16))).toThrow('A key needs 32 bytes; this one has 16')
  expect(() => boxOf()).toThrow('A secret box needs at least one key')
})
