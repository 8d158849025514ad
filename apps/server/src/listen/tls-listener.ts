import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { DEFAULT_CIPHERS, createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls'
import type { TlsListenerConfig } from '../settings/tls-settings.ts'

const VERSIONS: Readonly<Record<TlsListenerConfig['minVersion'], SecureVersion>> = {
  tls10: 'TLSv1',
  tls11: 'TLSv1.1',
  tls12: 'TLSv1.2',
  tls13: 'TLSv1.3',
}

/** TLS versions before 1.2 need signatures that OpenSSL refuses at security level 1 and above. */
const OLD_CIPHERS = `${DEFAULT_CIPHERS}:@SECLEVEL=0`
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

interface Identity {
  readonly certificate: X509Certificate
  readonly cert: Buffer
  readonly key: Buffer
  readonly context: SecureContext
}

/**
 * Creates the HTTPS server. Throws an Error with one sentence that names the file that cannot be
 * used.
 */
export async function createTlsServer(config: TlsListenerConfig): Promise<Server> {
  const isOld = config.minVersion === 'tls10' || config.minVersion === 'tls11'
  const shared: SecureContextOptions = {
    minVersion: VERSIONS[config.minVersion],
    ...(isOld && { ciphers: OLD_CIPHERS }),
    ...(config.clientCaFile !== undefined && { ca: await readAuthorities(config.clientCaFile) }),
  }
  const identities = await Promise.all(config.certificates.map(async (files) => await readIdentity(files, shared)))
  const [first] = identities
  if (first === undefined) throw new Error('BERTH_TLS_CERT_FILE names no certificate.')
  const server = createServer({
    ...shared,
    cert: first.cert,
    key: first.key,
    requestCert: config.clientAuth !== 'none',
    // Node can only refuse every client without a valid certificate. The other policies are
    // enforced below.
    rejectUnauthorized: config.clientAuth === 'require-and-verify',
    SNICallback: (name, done) =>
      done(null, identities.find(({ certificate }) => certificate.checkHost(name) !== undefined)?.context ?? first.context),
  })
  server.on('secureConnection', (socket) => {
    const hasCertificate = socket.getPeerX509Certificate() !== undefined
    const isRefused =
      (config.clientAuth === 'require-any' && !hasCertificate) ||
      (config.clientAuth === 'verify-if-given' && hasCertificate && !socket.authorized)
    if (isRefused) socket.destroy()
  })
  // A client that doesn't speak TLS is not an error of the server.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

async function readIdentity(
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
  shared: SecureContextOptions,
): Promise<Identity> {
  const [cert, key] = await Promise.all([readPem('BERTH_TLS_CERT_FILE', certFile), readPem('BERTH_TLS_KEY_FILE', keyFile)])
  try {
    const context = createSecureContext({ ...shared, cert, key })
    return { certificate: new X509Certificate(cert), cert, key, context }
  } catch (error) {
    throw new Error(`The certificate ${certFile} and the key ${keyFile} cannot be used together: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Checks every certificate, because OpenSSL skips invalid ones, and the server would then refuse
 * their clients.
 */
async function readAuthorities(path: string): Promise<Buffer> {
  const pem = await readPem('BERTH_TLS_CLIENT_CA_FILE', path)
  const blocks = pem.toString('latin1').match(CERTIFICATES) ?? []
  if (blocks.length === 0)
    throw new Error(
      `BERTH_TLS_CLIENT_CA_FILE: ${path} holds no certificate. Name a PEM file with the authorities that sign certificates of clients.`,
    )
  for (const [index, block] of blocks.entries()) {
    const reason = reasonAgainst(block)
    if (reason !== undefined) throw new Error(`BERTH_TLS_CLIENT_CA_FILE: certificate ${index + 1} in ${path} cannot be read: ${reason}`)
  }
  return pem
}

/** Returns undefined for a valid certificate. */
function reasonAgainst(certificate: string): string | undefined {
  try {
    void new X509Certificate(certificate)
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}

async function readPem(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new Error(`${name}: ${path} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
