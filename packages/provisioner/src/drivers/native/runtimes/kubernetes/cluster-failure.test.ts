import { describe, expect, test } from 'vitest'
import { ProvisionError } from '../../../../driver.ts'
import { ClusterRefusal, clusterFailure } from './cluster-failure.ts'

const server = 'https://cluster.example.com'

function answer(code: number, body: unknown): Error {
  return Object.assign(new Error('Headers: {"authorization":"secret"}'), { code, body })
}

describe('an answer is told in the words of the cluster, with what to do', () => {
  test.each([
    [401, { message: 'Unauthorized' }, /^the cluster says: Unauthorized; the credentials of the server are wrong/],
    [403, '{"message":"secrets is forbidden"}', /^the cluster says: secrets is forbidden; give the account of the server the rights/],
    [404, { message: 'namespaces "x" not found' }, /^the cluster says: namespaces "x" not found$/],
    [422, 'a page of a proxy', /^the cluster says: status 422$/],
  ])('%s', (code, body, message) => {
    const failure = clusterFailure(answer(code, body), server)
    expect(failure).toBeInstanceOf(ClusterRefusal)
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(failure.message).not.toContain('secret"')
  })
})

test.each([409, 429, 500, 503])('%s may be otherwise another time', (code) => {
  const failure = clusterFailure(answer(code, { message: 'busy' }), server)
  expect(failure).toBeInstanceOf(ProvisionError)
  expect(failure).not.toBeInstanceOf(ClusterRefusal)
})

test('a watch says its status otherwise', () => {
  expect(clusterFailure(Object.assign(new Error('Forbidden'), { statusCode: 403 }), server)).toMatchObject({ code: 403 })
})

test('a cluster that is not there is named', () => {
  const failure = clusterFailure(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), server)
  expect(failure.message).toBe("the cluster at https://cluster.example.com can't be reached: connect ECONNREFUSED")
})

test('what is in words already stays', () => {
  const failure = new ProvisionError('said before')
  expect(clusterFailure(failure, server)).toBe(failure)
})
