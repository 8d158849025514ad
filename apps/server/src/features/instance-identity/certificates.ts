import { X509Certificate } from 'node:crypto'

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** Reads the certificates in a file. Throws when there are none, or when one can't be read. */
export function readCertificates(pem: string): X509Certificate[] {
  const certificates = (pem.match(PEM) ?? []).map((text) => new X509Certificate(text))
  if (certificates.length === 0) throw new Error('The file contains no certificate.')
  return certificates
}

export function isValidAt(certificate: X509Certificate, now: Date): boolean {
  return Date.parse(certificate.validFrom) <= now.getTime() && now.getTime() <= Date.parse(certificate.validTo)
}

/**
 * Whether a certificate is trusted, or issued by a trusted one through any of the intermediate
 * ones.
 */
export function isTrusted(
  certificate: X509Certificate,
  chain: { readonly trusted: readonly X509Certificate[]; readonly between: readonly X509Certificate[]; readonly now: Date },
): boolean {
  const { trusted, between, now } = chain
  const seen = new Set<string>()
  let current: X509Certificate | undefined = certificate
  while (current !== undefined && isValidAt(current, now) && !seen.has(current.fingerprint256)) {
    const { fingerprint256 } = current
    if (trusted.some((root) => root.fingerprint256 === fingerprint256)) return true
    seen.add(fingerprint256)
    const issuers = [...trusted, ...between]
    current = issuers.find((issuer) => issued(issuer, current))
  }
  return false
}

function issued(issuer: X509Certificate, certificate: X509Certificate | undefined): boolean {
  // A machine's certificate must not issue others.
  return certificate !== undefined && issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
