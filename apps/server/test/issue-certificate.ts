import { webcrypto } from 'node:crypto'
import { Integer, OctetString, Utf8String } from 'asn1js'
import {
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  Extension,
  IssuerAndSerialNumber,
  SignedData,
  SignerInfo,
} from 'pkijs'

const COMMON_NAME = '2.5.4.3'
const BASIC_CONSTRAINTS = '2.5.29.19'
const DATA = '1.2.840.113549.1.7.1'
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const RSA = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** A certificate with its key. */
export interface Issued {
  readonly certificate: Certificate
  readonly keys: webcrypto.CryptoKeyPair
  readonly pem: string
}

let serial = 1

/** Makes a certificate of a name, issued by another one or by itself. */
export async function issueCertificate(
  commonName: string,
  options: { readonly issuer?: Issued; readonly isAuthority?: boolean; readonly notAfter?: Date } = {},
): Promise<Issued> {
  const { issuer, isAuthority = false, notAfter = new Date(Date.now() + DAY_MS) } = options
  const keys = await webcrypto.subtle.generateKey(RSA, true, ['sign', 'verify'])
  const certificate = new Certificate()
  certificate.version = 2
  certificate.serialNumber = new Integer({ value: serial++ })
  certificate.subject.typesAndValues.push(nameOf(commonName))
  if (issuer === undefined) certificate.issuer.typesAndValues.push(nameOf(commonName))
  else certificate.issuer = issuer.certificate.subject
  certificate.notBefore.value = new Date(Date.now() - 30 * DAY_MS)
  certificate.notAfter.value = notAfter
  const constraints = new BasicConstraints({ cA: isAuthority })
  certificate.extensions = [
    new Extension({ extnID: BASIC_CONSTRAINTS, critical: true, extnValue: constraints.toSchema().toBER(), parsedValue: constraints }),
  ]
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey)
  await certificate.sign((issuer?.keys ?? keys).privateKey, 'SHA-256')
  const base64 = Buffer.from(certificate.toSchema(true).toBER()).toString('base64')
  const lines = base64.replace(/.{64}/g, '$&\n')
  return { certificate, keys, pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` }
}

/** Signs a text as PKCS#7, in Base64, with the certificates that come along. */
export async function signPkcs7(content: string, signer: Issued, between: readonly Issued[] = []): Promise<string> {
  const { certificate, keys } = signer
  const signed = new SignedData({
    version: 1,
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: DATA, eContent: new OctetString({ valueHex: bytesOf(content) }) }),
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber }),
      }),
    ],
    certificates: [certificate, ...between.map((issued) => issued.certificate)],
  })
  await signed.sign(keys.privateKey, 0, 'SHA-256')
  return Buffer.from(new ContentInfo({ contentType: SIGNED_DATA, content: signed.toSchema(true) }).toSchema().toBER()).toString('base64')
}

function nameOf(commonName: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value: commonName }) })
}

function bytesOf(content: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(content)).buffer
}
