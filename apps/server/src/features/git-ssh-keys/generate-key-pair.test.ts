import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { generateSshKeyPair } from './generate-key-pair.ts'

/** Splits SSH strings, each preceded by its length. */
function strings(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let offset = 0; offset + 4 <= bytes.length;) {
    const length = bytes.readUInt32BE(offset)
    found.push(bytes.subarray(offset + 4, offset + 4 + length))
    offset += 4 + length
  }
  return found
}

const ED25519_SEED = Buffer.from('302e020100300506032b657004220420', 'hex')
const ED25519_POINT = Buffer.from('302a300506032b6570032100', 'hex')

test("an ed25519 key has OpenSSH's format and matching halves", async () => {
  const { publicKey, privateKey } = await generateSshKeyPair('ed25519')
  const [, blob = ''] = publicKey.trim().split(' ')
  const [type, point = Buffer.alloc(0)] = strings(Buffer.from(blob, 'base64'))
  expect(type?.toString()).toBe('ssh-ed25519')
  const lines = privateKey.trim().split('\n')
  expect([lines[0], lines.at(-1)]).toEqual(['-----BEGIN OPENSSH PRIVATE KEY-----', '-----END OPENSSH PRIVATE KEY-----'])
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(70)
  const bytes = Buffer.from(lines.slice(1, -1).join(''), 'base64')
  expect(bytes.subarray(0, 15).toString()).toBe('openssh-key-v1\0')
  const [cipher, derivation, options] = strings(bytes.subarray(15))
  expect([cipher, derivation, options].map(String)).toEqual(['none', 'none', ''])
  const afterCount = strings(bytes.subarray(15 + 8 + 8 + 4 + 4))
  expect(afterCount[0]?.toString('base64')).toBe(blob)
  const secret = afterCount[1] ?? Buffer.alloc(0)
  expect(secret.length % 8).toBe(0)
  expect(secret.subarray(0, 4)).toEqual(secret.subarray(4, 8))
  const [, own, pair = Buffer.alloc(0)] = strings(secret.subarray(8))
  expect(own).toEqual(point)
  expect(pair.subarray(32)).toEqual(point)
  const signature = sign(
    null,
    Buffer.from('text'),
    createPrivateKey({ key: Buffer.concat([ED25519_SEED, pair.subarray(0, 32)]), format: 'der', type: 'pkcs8' }),
  )
  const known = createPublicKey({ key: Buffer.concat([ED25519_POINT, point]), format: 'der', type: 'spki' })
  expect(verify(null, Buffer.from('text'), known, signature)).toBe(true)
})

test('every key is different', async () => {
  const [one, other] = await Promise.all([generateSshKeyPair('ecdsa'), generateSshKeyPair('ecdsa')])
  expect(one.privateKey).not.toBe(other.privateKey)
  expect(one.publicKey).not.toBe(other.publicKey)
})
