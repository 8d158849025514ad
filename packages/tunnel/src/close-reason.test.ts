import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { closeReasonOf, closeReasons, isClosedFor } from './close-reason.ts'

test('an agent of an older build is told so in the text that the wire fixes', () => {
  expect(closeReasons.buildOutdated).toEqual({ code: 1001, text: 'build is outdated' })
})

test('a reason is recognized by its code and its text', () => {
  for (const reason of Object.values(closeReasons)) {
    expect(isClosedFor(reason, { ...reason })).toBe(true)
    expect(isClosedFor(reason, { ...reason, code: 4000 })).toBe(false)
    expect(isClosedFor(reason, { ...reason, text: `${reason.text}.` })).toBe(false)
  }
})

test('the message of any error fits into a close frame', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 140 }), (message) => {
      const { code, text } = closeReasonOf(new Error(message))
      expect(code).toBe(1011)
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(123)
      if (Buffer.byteLength(message) <= 121) expect(text).toBe(Buffer.from(message).toString('utf8'))
    }),
  )
})
