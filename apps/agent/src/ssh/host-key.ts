import { generateKeyPairSync } from 'node:crypto'

/**
 * A key for this process only: clients cannot pin it, and don't need to, for the tunnel already knows which workspace this is.
 *
 * Node makes it. The ed25519 keys that ssh2 makes cannot be read by ssh2 itself where a number in them begins with a zero byte, which is
 * one in 256.
 *
 * @returns PEM.
 */
export function newHostKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}
