import { X509Certificate } from 'node:crypto'
import { Failure, type AzureInstanceIdentityToken } from '@berth/schema'
import { Certificate, ContentInfo, SignedData } from 'pkijs'
import { instanceIdOf, readDocument } from './aws.ts'
import { isTrusted } from './certificates.ts'
import type { ProofNonce } from './store.ts'

const SIGNED_DATA = '1.2.840.113549.1.7.2'
/** Host names of the metadata service in each of Azure's clouds. */
const METADATA_HOST = /^(?:[^.]+\.)*metadata\.(?:azure\.(?:com|us|cn)|microsoftazure\.de)$/
const TIME = /^(\d\d)\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) ([+-]\d{4})$/

/**
 * Returns the machine in an attested Azure document, and the nonce that makes the document valid
 * only once. Throws `instance_identity_refused`, `invalid_instance_identity`.
 */
export async function identifyAzure(
  { signature, encoding }: AzureInstanceIdentityToken,
  { certificates, now }: { readonly certificates: readonly X509Certificate[]; readonly now: Date },
): Promise<ProofNonce> {
  if (encoding !== 'pkcs7')
    throw new Failure('invalid_instance_identity', { detail: `The encoding ${JSON.stringify(encoding)} is not pkcs7.` })
  const signed = readSignedData(Uint8Array.from(Buffer.from(signature, 'base64')))
  const document = await verifiedDocument(signed, { certificates, now })
  const expiresAtMs = requireCurrent(document, now)
  const { nonce } = readDocument(document)
  if (typeof nonce !== 'string' || nonce === '') throw new Failure('invalid_instance_identity', { detail: 'The document has no nonce.' })
  return { instanceId: instanceIdOf(document, 'vmId'), nonce, expiresAtMs }
}

function readSignedData(bytes: Uint8Array<ArrayBuffer>): SignedData {
  try {
    const info = ContentInfo.fromBER(bytes)
    if (info.contentType !== SIGNED_DATA) throw new Error('The content is not signed data.')
    return new SignedData({ schema: info.content })
  } catch (error) {
    throw new Failure('instance_identity_refused', { detail: 'The signature is not PKCS#7 signed data.', cause: error })
  }
}

/**
 * Returns the document inside once its signature is verified, with a certificate that a trusted one
 * issued.
 */
async function verifiedDocument(
  signed: SignedData,
  trust: { readonly certificates: readonly X509Certificate[]; readonly now: Date },
): Promise<string> {
  const sent = (signed.certificates ?? []).flatMap((item) => (item instanceof Certificate ? [item] : []))
  const content = signed.encapContentInfo.eContent?.getValue()
  if (content === undefined || signed.signerInfos.length !== 1) throw refused('The signed data has no content, or not exactly one signer.')
  let signer: Certificate | null | undefined
  try {
    const result = await signed.verify({ signer: 0, extendedMode: true, checkChain: false })
    if (result.signatureVerified === true) signer = result.signerCertificate
  } catch (error) {
    throw refused('The signature is invalid.', error)
  }
  if (signer === null || signer === undefined) throw refused('The signature is invalid.')
  const leaf = nodeCertificate(signer)
  const between = sent.map(nodeCertificate)
  if (!isTrusted(leaf, { trusted: trust.certificates, between, now: trust.now }))
    throw refused('No trusted certificate issued the certificate of the signature.')
  const host = /^CN=(.*)$/m.exec(leaf.subject)?.[1] ?? ''
  if (!METADATA_HOST.test(host)) throw refused('The certificate of the signature does not belong to the metadata service.')
  return Buffer.from(content).toString('utf8')
}

function nodeCertificate(certificate: Certificate): X509Certificate {
  return new X509Certificate(Buffer.from(certificate.toSchema(true).toBER()))
}

/**
 * Checks the document's validity period, which Azure limits to some hours. Returns when it expires,
 * in milliseconds since 1970.
 */
function requireCurrent(document: string, now: Date): number {
  const { timeStamp } = readDocument(document)
  const { createdOn, expiresOn } = (timeStamp ?? {}) as Readonly<Record<string, unknown>>
  const [from, until] = [readTime(createdOn), readTime(expiresOn)]
  if (from === undefined || until === undefined)
    throw new Failure('invalid_instance_identity', { detail: 'The document has no time stamp.' })
  if (now.getTime() > until || now.getTime() < from - CLOCK_TOLERANCE_MS) throw refused('The document has expired or is not valid yet.')
  return until
}

/** How far the clocks of Azure and the server may differ. */
const CLOCK_TOLERANCE_MS = 5 * 60_000

/** Reads a time such as `11/28/18 00:16:17 -0000`. Returns milliseconds since 1970. */
function readTime(text: unknown): number | undefined {
  const [, month, day, year, hour, minute, second, zone = ''] = TIME.exec(typeof text === 'string' ? text : '') ?? []
  const instant = Date.parse(`20${year}-${month}-${day}T${hour}:${minute}:${second}${zone.slice(0, 3)}:${zone.slice(3)}`)
  return Number.isNaN(instant) ? undefined : instant
}

function refused(detail: string, cause?: unknown): Failure {
  return new Failure('instance_identity_refused', { detail, cause })
}
