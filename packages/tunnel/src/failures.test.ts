import { expect, test } from 'vitest'
import { TunnelRefusal } from './failures.ts'

test.each([0, 99, 200, 399, 600, 999, -1, 404.5, Number.NaN])('a refusal with the status %d of a peer carries 502', (status) => {
  expect(new TunnelRefusal(status, '').status).toBe(502)
})

test.each([400, 404, 503, 599])('a refusal carries the status %d as it is', (status) => {
  expect(new TunnelRefusal(status, '').status).toBe(status)
})
