import { verify, type X509Certificate } from 'node:crypto'
import { Failure, type AWSInstanceIdentityToken } from '@berth/schema'

/** The ID of the machine that an identity document of AWS speaks of. Throws `instance_identity_refused`, `invalid_instance_identity`. */
export function identifyAws({ document, signature }: AWSInstanceIdentityToken, certificates: readonly X509Certificate[]): string {
  const bytes = Buffer.from(signature, 'base64')
  const isSigned = certificates.some(
    ({ publicKey }) => publicKey.asymmetricKeyType === 'rsa' && verify('RSA-SHA256', Buffer.from(document), publicKey, bytes),
  )
  if (!isSigned)
    throw new Failure('instance_identity_refused', { detail: 'The document is not signed by any certificate of AWS known here.' })
  return instanceIdOf(document, 'instanceId')
}

/** What a document that is known to be true says. */
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
    // Said below, as of any other text that is no object.
  }
  throw new Failure('invalid_instance_identity', { detail: 'The document is not a JSON object.' })
}
