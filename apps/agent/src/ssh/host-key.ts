import { generateKeyPairSync } from 'node:crypto'

/**
 * Returns a new host key in PEM, for this process only. Clients can't pin it and don't need to: the
 * tunnel already authenticates the workspace.
 *
 * Node generates it, because ssh2 can't read its own ed25519 keys when a number in them starts with
 * a zero byte, as one in 256 does.
 */
export function newHostKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}
