import { describe, expect, test } from 'vitest'
import { ProvisionError } from '../../../../driver.ts'
import { ClusterRefusal, clusterFailure } from './cluster-failure.ts'

const server = 'https://cluster.example.com'

function answer(code: number, body: unknown): Error {
  return Object.assign(new Error('Headers: {"authorization":"secret"}'), { code, body })
}

describe('the error has the message of the cluster and says what to do', () => {
  test.each([
    [401, { message: 'Unauthorized' }, /^the cluster says: Unauthorized; the server's credentials are wrong/],
    [403, '{"message":"secrets is forbidden"}', /^the cluster says: secrets is forbidden; grant the server's account the rights/],
    [404, { message: 'namespaces "x" not found' }, /^the cluster says: namespaces "x" not found$/],
    [422, 'a page of a proxy', /^the cluster says: status 422$/],
  ])('%s', (code, body, message) => {
    const failure = clusterFailure(answer(code, body), server)
    expect(failure).toBeInstanceOf(ClusterRefusal)
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(failure.message).not.toContain('secret"')
  })
})

test.each([409, 429, 500, 503])('another try after %s may succeed', (code) => {
  const failure = clusterFailure(answer(code, { message: 'busy' }), server)
  expect(failure).toBeInstanceOf(ProvisionError)
  expect(failure).not.toBeInstanceOf(ClusterRefusal)
})

test('the status of a watch is in another field', () => {
  expect(clusterFailure(Object.assign(new Error('Forbidden'), { statusCode: 403 }), server)).toMatchObject({ code: 403 })
})

test('an unreachable cluster is named', () => {
  const failure = clusterFailure(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), server)
  expect(failure.message).toBe("can't reach the cluster at https://cluster.example.com: connect ECONNREFUSED")
})

test('an error with a message for users is not converted again', () => {
  const failure = new ProvisionError('said before')
  expect(clusterFailure(failure, server)).toBe(failure)
})
