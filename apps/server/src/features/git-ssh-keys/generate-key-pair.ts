import { createPublicKey, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

export type SshKeyAlgorithm = 'ed25519' | 'ecdsa' | 'rsa4096'

/** An SSH key in file formats. */
export interface SshKeyPair {
  /** A line of authorized_keys without a comment, with its line break. */
  readonly publicKey: string
  /** PEM. */
  readonly privateKey: string
}

const generate = promisify(generateKeyPair)
const RSA_BITS = 4096
const PEM_WIDTH = 70

/**
 * Generates a key pair off the main thread. Private keys are PEM: ed25519 in OpenSSH's format, the
 * others in SEC1 and PKCS #1 (Coder v2 API, v0.13.4).
 */
export async function generateSshKeyPair(algorithm: SshKeyAlgorithm): Promise<SshKeyPair> {
  return await generators[algorithm]()
}

const generators: Readonly<Record<SshKeyAlgorithm, () => Promise<SshKeyPair>>> = {
  async ed25519() {
    const { publicKey, privateKey } = await generate('ed25519')
    const point = fieldOf(publicKey, 'x')
    const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(point)])
    return { publicKey: line('ssh-ed25519', blob), privateKey: openSshPem(blob, Buffer.concat([fieldOf(privateKey, 'd'), point]), point) }
  },
  async ecdsa() {
    const { privateKey } = await generate('ec', { namedCurve: 'P-256' })
    const publicKey = createPublicKey(privateKey)
    const point = Buffer.concat([Buffer.from([4]), fieldOf(publicKey, 'x'), fieldOf(publicKey, 'y')])
    const blob = Buffer.concat([sshString('ecdsa-sha2-nistp256'), sshString('nistp256'), sshString(point)])
    return { publicKey: line('ecdsa-sha2-nistp256', blob), privateKey: pem(privateKey, 'sec1') }
  },
  async rsa4096() {
    const { privateKey } = await generate('rsa', { modulusLength: RSA_BITS })
    const publicKey = createPublicKey(privateKey)
    const blob = Buffer.concat([sshString('ssh-rsa'), sshInteger(fieldOf(publicKey, 'e')), sshInteger(fieldOf(publicKey, 'n'))])
    return { publicKey: line('ssh-rsa', blob), privateKey: pem(privateKey, 'pkcs1') }
  },
}

function fieldOf(key: KeyObject, name: 'x' | 'y' | 'd' | 'e' | 'n'): Buffer {
  const value = key.export({ format: 'jwk' })[name]
  if (typeof value !== 'string') throw new Error(`the key has no ${name}`)
  return Buffer.from(value, 'base64url')
}

function pem(key: KeyObject, type: 'sec1' | 'pkcs1'): string {
  return key.export({ format: 'pem', type }).toString()
}

function line(type: string, blob: Buffer): string {
  return `${type} ${blob.toString('base64')}\n`
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Encodes a string of the SSH protocol (RFC 4251 §5): its length, then its bytes. */
function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint32(bytes.length), bytes])
}

/**
 * Encodes a positive number (mpint). A zero byte precedes a set first bit, which would make it
 * negative.
 */
function sshInteger(magnitude: Buffer): Buffer {
  return sshString((magnitude[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), magnitude]) : magnitude)
}

/**
 * Writes OpenSSH's own format (PROTOCOL.key), unencrypted. The two check numbers are equal, and the
 * padding counts up to a multiple of 8.
 */
function openSshPem(publicBlob: Buffer, privateBytes: Buffer, point: Buffer): string {
  const check = randomBytes(4)
  const secret = Buffer.concat([check, check, sshString('ssh-ed25519'), sshString(point), sshString(privateBytes), sshString('')])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1))
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    uint32(1),
    sshString(publicBlob),
    sshString(Buffer.concat([secret, padding])),
  ])
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${PEM_WIDTH}}`, 'g')) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}
