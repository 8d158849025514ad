import { verify, type X509Certificate } from 'node:crypto'
import { Failure, type AWSInstanceIdentityToken } from '@berth/schema'

/**
 * Returns the machine ID in an AWS identity document. Throws `instance_identity_refused`,
 * `invalid_instance_identity`.
 */
export function identifyAws({ document, signature }: AWSInstanceIdentityToken, certificates: readonly X509Certificate[]): string {
  const bytes = Buffer.from(signature, 'base64')
  const isSigned = certificates.some(
    ({ publicKey }) => publicKey.asymmetricKeyType === 'rsa' && verify('RSA-SHA256', Buffer.from(document), publicKey, bytes),
  )
  if (!isSigned) throw new Failure('instance_identity_refused', { detail: 'None of the configured AWS certificates signed the document.' })
  return instanceIdOf(document, 'instanceId')
}

/** Returns the machine ID in a verified document. */
export function instanceIdOf(document: string, field: 'instanceId' | 'vmId'): string {
  const { [field]: id } = readDocument(document)
  if (typeof id !== 'string' || id === '') throw new Failure('invalid_instance_identity', { detail: `The document has no ${field}.` })
  return id
}

export function readDocument(document: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(document)
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  } catch {
    // Refused below, like JSON that isn't an object.
  }
  throw new Failure('invalid_instance_identity', { detail: 'The document is not a JSON object.' })
}
