import { api } from '@berth/schema'
import { expect, test } from 'vitest'
import { readText } from './repository.ts'

test.each(Object.keys(api))('the server serves every endpoint of %s', (noun) => {
  // One `serve(…, api.<noun>, …)` line serves them all: `Handlers` makes a missing endpoint a type
  // error.
  expect(readText('apps/server/src/app/api-routes.ts')).toMatch(new RegExp(`\\bserve\\w*\\([^)]*\\b(?:api\\.)?${noun}\\b`))
})
