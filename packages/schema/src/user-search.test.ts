import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { parseSearch } from './search-query.ts'
import { userSearchText } from './user-search.ts'

test('search text, status, role and the raw query are joined into one', () => {
  verifies('users:filter-query')
  const text = userSearchText({ search: 'ada', status: 'active,suspended', role: 'owner', q: 'email:x' })
  expect(text).toBe('ada status:"active,suspended" role:"owner" email:x')
  expect([...parseSearch(text, 'search')]).toEqual([
    ['search', 'ada'],
    ['status', 'active,suspended'],
    ['role', 'owner'],
    ['email', 'x'],
  ])
})

test('parts that say nothing are left out', () => {
  expect(userSearchText({})).toBe('')
  expect(userSearchText({ search: '', status: '', role: 'owner' })).toBe('role:"owner"')
})
