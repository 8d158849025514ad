import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { PasswordError, checkPassword } from './password.ts'

test.each(['12345678', 'a'.repeat(64), 'ππππ', '🔑🔑'])('%j has an allowed length', (password) => {
  verifies('rulings:password-length')
  expect(() => checkPassword(password)).not.toThrow()
})

test.each([
  ['', 'at least 8'],
  ['1234567', 'at least 8'],
  ['πππ', 'at least 8'],
  ['a'.repeat(65), 'no more than 64'],
  ['π'.repeat(33), 'no more than 64'],
])('%j is refused: %s', (password, text) => {
  expect(() => checkPassword(password)).toThrow(PasswordError)
  expect(() => checkPassword(password)).toThrow(text)
})
