import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { isConnectionError, isSerializationError, isStalePlanError, violatedConstraint } from './database-errors.ts'

function databaseError(code: string, more: { message?: string; constraint?: string } = {}): DatabaseError {
  return Object.assign(new DatabaseError(more.message ?? 'message', 1, 'error'), { code, ...more })
}

test.each([
  databaseError('57P01'),
  databaseError('57P03'),
  databaseError('08006'),
  Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  Object.assign(new Error('connect'), { code: 'ENOENT' }),
  new Error('Connection terminated unexpectedly'),
  new Error('timeout exceeded when trying to connect'),
  new AggregateError([
    Object.assign(new Error('::1'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('127.0.0.1'), { code: 'ECONNREFUSED' }),
  ]),
])('%s is about the connection', (error) => {
  expect(isConnectionError(error)).toBe(true)
})

test.each([
  databaseError('23505'),
  databaseError('57014'),
  databaseError('28P01'),
  new Error('bug'),
  new AggregateError([]),
  'text',
  undefined,
  null,
])('%s is not about the connection', (error) => {
  expect(isConnectionError(error)).toBe(false)
})

test('serialization failures and deadlocks are worth another attempt', () => {
  expect(['40001', '40P01', '40002', '23505'].map((code) => isSerializationError(databaseError(code)))).toEqual([true, true, false, false])
})

test('a stale plan is distinguished from other unsupported features', () => {
  expect(isStalePlanError(databaseError('0A000', { message: 'cached plan must not change result type' }))).toBe(true)
  expect(isStalePlanError(databaseError('0A000', { message: 'cross-database references are not implemented' }))).toBe(false)
})

test.each([
  ['23505', 'users_email'],
  ['23503', 'users_email'],
  ['23514', 'users_email'],
  ['23502', undefined],
  ['40001', undefined],
])('a violation with state %s is of constraint %s', (code, constraint) => {
  expect(violatedConstraint(databaseError(code, { constraint: 'users_email' }))).toBe(constraint)
})
