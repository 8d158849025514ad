import { verifies } from '@berth/requirements'
import { Failure } from '@berth/schema'
import { expect, test } from 'vitest'
import { readFilter } from './read-filter.ts'

const ANY = { search: '', statuses: [], roles: [] }

test.each([
  ['', ANY],
  ['   ', ANY],
  ['user-name', { ...ANY, search: 'user-name' }],
  ['  User-Name  ', { ...ANY, search: 'user-name' }],
  ['user-name Status:ACTIVE', { ...ANY, search: 'user-name', statuses: ['active'] }],
  ['status:suspended,active role:Owner,auditor', { ...ANY, statuses: ['suspended', 'active'], roles: ['owner', 'auditor'] }],
  ['"user name" "status":"active"', { ...ANY, search: 'user name', statuses: ['active'] }],
  ['foo:bar', ANY],
  ['search:"user:name"', { ...ANY, search: 'user:name' }],
  ['status:', { ...ANY, search: 'status' }],
  ['status:,,', ANY],
  ['role:member', ANY],
  ['role:member,member', ANY],
  ['role:owner,member', { ...ANY, roles: ['owner', 'member'] }],
  ['one two', { ...ANY, search: 'two' }],
])('%j is read', (query, filter) => {
  verifies('users:query-parsing')
  expect(readFilter(query)).toEqual(filter)
})

test.each([
  ['search:name:extra', 'q', "can only contain 1 ':'"],
  [':', 'q', "can only contain 1 ':'"],
  ['status:inActive', 'status', 'Query param "status" has invalid value: "inactive" is not a valid user status'],
  ['status:active,"x y"', 'status', 'is not a valid user status'],
])('%j is refused at %s', (query, field, detail) => {
  verifies('users:query-parsing')
  const refusal = refusalOf(query)
  expect(refusal).toMatchObject({ code: 'invalid_user_search', validations: [{ field }] })
  expect(refusal?.validations?.[0]?.detail).toContain(detail)
})

function refusalOf(query: string): Failure | undefined {
  try {
    readFilter(query)
    return undefined
  } catch (error) {
    if (!Failure.is(error)) throw error
    return error
  }
}
