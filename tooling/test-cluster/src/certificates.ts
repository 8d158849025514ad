import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kubeconfig } from './kubernetes-api.ts'
import { runProgram } from './run-program.ts'

/** The paths of a certificate and its key, in PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

/** The certificates of a cluster. They are created for each cluster, in its folder. */
export interface Certificates {
  readonly authority: Identity
  /** The certificate of the API server and the kubelet. */
  readonly server: Identity
  readonly administrator: Identity
  readonly node: Identity
  /** The key pair of service account tokens. */
  readonly serviceAccounts: { readonly privateKey: string; readonly publicKey: string }
}

interface Subjects {
  readonly nodeName: string
  readonly addresses: readonly string[]
}

export async function writeCertificates(directory: string, { nodeName, addresses }: Subjects): Promise<Certificates> {
  await mkdir(directory)
  // The extensions in the machine's openssl.cnf would conflict with these.
  const config = join(directory, 'openssl.cnf')
  await writeFile(config, '[req]\ndistinguished_name = name\n[name]\n')
  const issue = async (name: string, subject: string, words: readonly string[]): Promise<Identity> => {
    const identity = { certificate: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) }
    const meta = ['-config', config, '-days', '2', '-subj', subject, '-out', identity.certificate]
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', identity.key]
    await runProgram('openssl', ['req', '-x509', ...meta, ...key, ...words])
    return identity
  }
  const authority = await issue(
    'ca',
    '/CN=test-cluster',
    extended('basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,digitalSignature'),
  )
  const byAuthority = ['-CA', authority.certificate, '-CAkey', authority.key]
  const signed = (purpose: string, ...more: readonly string[]): readonly string[] =>
    byAuthority.concat(extended('keyUsage=critical,digitalSignature', `extendedKeyUsage=${purpose}`, ...more))
  const names = ['DNS:kubernetes.default.svc', 'DNS:localhost', ...addresses.map((address) => `IP:${address}`)].join(',')
  const [server, administrator, node, serviceAccounts] = await Promise.all([
    issue('server', '/CN=test-cluster-server', signed('serverAuth', `subjectAltName=${names}`)),
    issue('administrator', '/O=system:masters/CN=administrator', signed('clientAuth')),
    issue('node', `/O=system:nodes/CN=system:node:${nodeName}`, signed('clientAuth')),
    writeServiceAccountKeys(directory),
  ])
  return { authority, server, administrator, node, serviceAccounts }
}

/** Writes a kubeconfig that contains its certificates, so that it can be used from anywhere. */
export async function writeKubeconfig(path: string, server: string, authority: Identity, user: Identity): Promise<string> {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': await encode(authority.certificate) } }],
    users: [
      { name: 'test', user: { 'client-certificate-data': await encode(user.certificate), 'client-key-data': await encode(user.key) } },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  } satisfies Kubeconfig & Record<string, unknown>
  await writeFile(path, JSON.stringify(kubeconfig), { mode: 0o600 })
  return path
}

/** Returns the openssl arguments for extensions of a certificate. */
function extended(...extensions: readonly string[]): readonly string[] {
  return extensions.flatMap((extension) => ['-addext', extension])
}

async function encode(path: string): Promise<string> {
  return (await readFile(path)).toString('base64')
}

async function writeServiceAccountKeys(directory: string): Promise<Certificates['serviceAccounts']> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const paths = { privateKey: join(directory, 'service-accounts.key'), publicKey: join(directory, 'service-accounts.pub') }
  await writeFile(paths.privateKey, privateKey, { mode: 0o600 })
  await writeFile(paths.publicKey, publicKey)
  return paths
}
