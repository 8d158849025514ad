import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import {
  ProofChecker,
  answeringProof,
  askingProof,
  freshRelaySecret,
  isProvenAnswer,
  newClaim,
  relayKey,
  type RelayClaim,
} from './relay-proof.ts'

const key = relayKey(Buffer.alloc(32, 'secret'))
const now = new Date('2026-11-24T12:00:00Z')
const checker = (): ProofChecker => new ProofChecker({ now: () => now })
const claimOf = (parts: Partial<RelayClaim> = {}): RelayClaim => ({
  ...newClaim({ to: 'holder', from: 'asker', sentAt: now.getTime(), channel: '' }),
  ...parts,
})

test('a proof is good once', () => {
  verifies('replicas:relay:proof')
  const proofs = checker()
  const claim = claimOf()
  const header = askingProof(key, claim)
  expect(proofs.check(header, { key, to: 'holder' })).toEqual(claim)
  expect(proofs.check(header, { key, to: 'holder' })).toBeUndefined()
})

test.each([
  ['for another replica', askingProof(key, claimOf({ to: 'other' }))],
  ['with another key', askingProof(relayKey(freshRelaySecret()), claimOf())],
  ['that is old', askingProof(key, claimOf({ sentAt: now.getTime() - 120_001 }))],
  ['of the future', askingProof(key, claimOf({ sentAt: now.getTime() + 120_001 }))],
  ['without a time', askingProof(key, claimOf({ sentAt: Number.NaN }))],
  ['for another TLS connection', askingProof(key, claimOf({ channel: 'another' }))],
  ['that was changed', askingProof(key, claimOf()).replace('asker', 'taker')],
  ['of the answering side', `v1 holder asker ${now.getTime()} nonce - ${answeringProof(key, claimOf({ nonce: 'nonce' }))}`],
  ['that is cut off', askingProof(key, claimOf()).slice(0, -1)],
  ['that is empty', ''],
])('a proof %s proves nothing', (_what, header) => {
  verifies('replicas:relay:proof')
  expect(checker().check(header, { key, to: 'holder', channel: 'this' })).toBeUndefined()
})

test('a proof covers the secret of its TLS connection', () => {
  const claim = claimOf({ channel: 'this' })
  expect(checker().check(askingProof(key, claim), { key, to: 'holder', channel: 'this' })).toEqual(claim)
  expect(checker().check(askingProof(key, claim), { key, to: 'holder' })).toBeUndefined()
})

test('only who has the key can answer', () => {
  const claim = claimOf()
  expect(isProvenAnswer(key, claim, answeringProof(key, claim))).toBe(true)
  expect(isProvenAnswer(key, claim, answeringProof(key, claimOf()))).toBe(false)
  expect(isProvenAnswer(key, claim, askingProof(key, claim).split(' ').at(-1) ?? '')).toBe(false)
})
