import { X509Certificate } from 'node:crypto'

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The certificates of a file. Throws where it has none, or one that cannot be read. */
export function readCertificates(pem: string): X509Certificate[] {
  const certificates = (pem.match(PEM) ?? []).map((text) => new X509Certificate(text))
  if (certificates.length === 0) throw new Error('There is no certificate in the file.')
  return certificates
}

export function isValidAt(certificate: X509Certificate, now: Date): boolean {
  return Date.parse(certificate.validFrom) <= now.getTime() && now.getTime() <= Date.parse(certificate.validTo)
}

/** Whether a certificate goes back to one of the trusted ones, by way of any of those that came along. */
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
  // A certificate of a machine must not be able to issue others.
  return certificate !== undefined && issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}
