import { KeyObject, createSign, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { SignJWT, exportJWK, generateKeyPair, type GenerateKeyPairResult } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { build, buildEnded, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { issueCertificate, signPkcs7, type Issued } from './issue-certificate.ts'
import { listen, type Listening } from './listen.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const DAY_MS = 86_400_000

let directory: string
let google: Listening
let googleKeys: GenerateKeyPairResult
let aws: Issued
let azure: { readonly root: Issued; readonly between: Issued; readonly machine: Issued }
let server: TestServer
let off: TestServer

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-identity-'))
  google = await listen()
  googleKeys = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(googleKeys.publicKey)), kid: 'google', alg: 'RS256' }
  google.answer((_request, response) => void response.end(JSON.stringify({ keys: [jwk] })))
  aws = await issueCertificate('aws')
  const root = await issueCertificate('Root of Azure', { isAuthority: true })
  const between = await issueCertificate('Between', { issuer: root, isAuthority: true })
  azure = { root, between, machine: await issueCertificate('eastus.metadata.azure.com', { issuer: between }) }
  await writeFile(join(directory, 'aws.pem'), aws.pem + (await issueCertificate('another region')).pem)
  await writeFile(join(directory, 'azure.pem'), root.pem)
  server = await startTestServer({
    config: {
      instanceIdentity: {
        clouds: ['aws', 'azure', 'google'],
        awsCertificatesPath: join(directory, 'aws.pem'),
        azureCertificatesPath: join(directory, 'azure.pem'),
        googleKeysUrl: google.url,
        googleAudience: 'coder',
      },
    },
  })
  off = await startTestServer()
}, 60_000)

afterAll(async () => {
  await Promise.all([server.stop(), off.stop(), google.stop()])
  await rm(directory, { recursive: true, force: true })
})

/** A machine with an agent in a workspace that runs. */
async function machine(id = uniqueName('i')): Promise<{ id: string; workspace: string; agent: string }> {
  const resources = [{ name: 'vm', type: 'machine', agents: [{ name: 'main', instance_id: id }] }]
  const workspace = await createWorkspace(server, await createTemplate(server, { apply: [{ complete: { resources } }] }))
  const { resources: built } = await buildEnded(server.client, workspace.latest_build.id)
  return { id, workspace: workspace.id, agent: built[0]?.agents?.[0]?.id ?? '' }
}

function awsProof(instanceId: string, signer: Issued = aws): { document: string; signature: string } {
  const document = JSON.stringify({ instanceId, region: 'us-east-1' })
  const signature = createSign('RSA-SHA256').update(document).sign(KeyObject.from(signer.keys.privateKey), 'base64')
  return { document, signature }
}

async function googleProof(
  instance_id: string | undefined,
  { audience = 'coder', issuer = 'https://accounts.google.com', expiresIn = 300, key = googleKeys.privateKey } = {},
): Promise<{ json_web_token: string }> {
  const json_web_token = await new SignJWT({ google: { compute_engine: { instance_id } } })
    .setProtectedHeader({ alg: 'RS256', kid: 'google' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(Math.floor(server.clock.now().getTime() / 1000) + expiresIn)
    .sign(key)
  return { json_web_token }
}

function azureTime(ms: number): string {
  const [, year, month, day, time] = /^20(\d\d)-(\d\d)-(\d\d)T([\d:]+)/.exec(new Date(ms).toISOString()) ?? []
  return `${month}/${day}/${year} ${time} -0000`
}

async function azureProof(
  vmId: string,
  {
    signer = azure.machine,
    between = [azure.between],
    expiresInMs = 6 * 3_600_000,
    nonce = randomUUID(),
  }: { signer?: Issued; between?: Issued[]; expiresInMs?: number; nonce?: string } = {},
): Promise<{ signature: string; encoding: string }> {
  const now = server.clock.now().getTime()
  const timeStamp = { createdOn: azureTime(now - DAY_MS), expiresOn: azureTime(now + expiresInMs) }
  return { signature: await signPkcs7(JSON.stringify({ vmId, nonce, timeStamp }), signer, between), encoding: 'pkcs7' }
}

async function expectAgent(token: string, agent: string): Promise<void> {
  await server.clientFor(token).agents.updateVersion({ body: { version: 'v1.2.3' } })
  const seen = await server.client.agents.get({ params: { workspaceagent: agent } })
  expect(seen.version).toBe('v1.2.3')
}

test('a machine of each cloud gets the token of its agent', async () => {
  verifies('agents:instance-identity')
  const { instanceIdentity } = server.clientFor()
  const [first, second, third] = await Promise.all([machine(), machine(), machine()])
  await expectAgent((await instanceIdentity.aws({ body: awsProof(first.id) })).session_token, first.agent)
  await expectAgent((await instanceIdentity.azure({ body: await azureProof(second.id) })).session_token, second.agent)
  await expectAgent((await instanceIdentity.google({ body: await googleProof(third.id) })).session_token, third.agent)
})

test('a machine whose owner is suspended gets no token', async () => {
  verifies('agents:token:lives')
  const { id, workspace } = await machine()
  await runSql(server, `update users set status = 'suspended' where id = (select owner_id from workspaces where id = '${workspace}')`)
  try {
    await expect(server.clientFor().instanceIdentity.aws({ body: awsProof(id) })).rejects.toMatchObject({ status: 404 })
  } finally {
    await runSql(server, `update users set status = 'active'`)
  }
})

test('the database holds no token that is given out later in plain text', async () => {
  verifies('agents:instance-identity')
  const { id } = await machine()
  const { session_token } = await server.clientFor().instanceIdentity.aws({ body: awsProof(id) })
  const rows = await runSql(server, `select * from workspace_agents where auth_instance_id = '${id}'`)
  expect(rows.some(({ sealed_auth_token }) => Buffer.isBuffer(sealed_auth_token))).toBe(true)
  expect(JSON.stringify(rows.map((row) => Object.values(row).map(String)))).not.toContain(session_token)
})

test('a token of Google that has expired, is for somebody else, of another issuer or of another key is 401', async () => {
  verifies('agents:instance-identity')
  const { id } = await machine()
  const { privateKey } = await generateKeyPair('RS256')
  const wrong = [{ expiresIn: -60 }, { audience: 'somebody-else' }, { issuer: 'https://accounts.example.com' }, { key: privateKey }]
  for (const change of wrong)
    await expect(server.clientFor().instanceIdentity.google({ body: await googleProof(id, change) })).rejects.toMatchObject({ status: 401 })
  await expect(server.clientFor().instanceIdentity.google({ body: { json_web_token: 'nonsense' } })).rejects.toMatchObject({ status: 401 })
  await expect(server.clientFor().instanceIdentity.google({ body: await googleProof(undefined) })).rejects.toMatchObject({ status: 400 })
})

test('a document of AWS that was changed, or that another key signed, is 401', async () => {
  verifies('agents:instance-identity')
  const { id } = await machine()
  const proof = awsProof('another')
  const aside = await issueCertificate('aws')
  for (const body of [
    { ...proof, document: proof.document.replace('another', id) },
    awsProof(id, aside),
    { ...proof, signature: 'nonsense' },
  ])
    await expect(server.clientFor().instanceIdentity.aws({ body })).rejects.toMatchObject({ status: 401 })
})

test('a document of Azure is good for one token: used again it is 401, another nonce is another document, and none is 400', async () => {
  verifies('agents:instance-identity')
  const { instanceIdentity } = server.clientFor()
  const { id } = await machine()
  const proof = await azureProof(id)
  expect((await instanceIdentity.azure({ body: proof })).session_token).not.toBe('')
  await expect(instanceIdentity.azure({ body: proof })).rejects.toMatchObject({ status: 401 })
  await expect(instanceIdentity.azure({ body: await azureProof(id, { nonce: '' }) })).rejects.toMatchObject({ status: 400 })
  expect((await instanceIdentity.azure({ body: await azureProof(id) })).session_token).not.toBe('')
})

test('an Azure document of an unknown machine can be used again once the machine is known', async () => {
  const vmId = randomUUID()
  const proof = await azureProof(vmId)
  const { instanceIdentity } = server.clientFor()
  await expect(instanceIdentity.azure({ body: proof })).rejects.toMatchObject({ status: 404 })
  await machine(vmId)
  expect((await instanceIdentity.azure({ body: proof })).session_token).not.toBe('')
})

test('a document of Azure with another root, another name, an expired link, a machine as issuer, or too old is 401', async () => {
  verifies('agents:instance-identity')
  const { id } = await machine()
  const { root, between, machine: leaf } = azure
  const aside = await issueCertificate('Root of Azure', { isAuthority: true })
  const name = 'metadata.azure.com'
  const stale = await issueCertificate('Stale', { issuer: root, isAuthority: true, notAfter: new Date(Date.now() - DAY_MS) })
  const changes = [
    { signer: await issueCertificate(name, { issuer: aside }), between: [aside] },
    { signer: await issueCertificate(name), between: [] },
    { signer: await issueCertificate('metadata.azure.com.example.com', { issuer: between }) },
    { signer: await issueCertificate('evilmetadata.azure.com', { issuer: between }) },
    { signer: await issueCertificate(name, { issuer: stale }), between: [stale] },
    { signer: await issueCertificate(name, { issuer: leaf }), between: [between, leaf] },
    { between: [] },
    { expiresInMs: -60_000 },
  ]
  for (const [index, change] of changes.entries())
    await expect(server.clientFor().instanceIdentity.azure({ body: await azureProof(id, change) }), String(index)).rejects.toMatchObject({
      status: 401,
    })
  await expect(server.clientFor().instanceIdentity.azure({ body: { signature: 'nonsense', encoding: 'pkcs7' } })).rejects.toMatchObject({
    status: 401,
  })
})

test('an unknown machine is 404; one of an import or of an earlier build is 400', async () => {
  verifies('agents:instance-identity')
  const askAws = async (id: string): Promise<unknown> => await server.clientFor().instanceIdentity.aws({ body: awsProof(id) })
  await expect(askAws(uniqueName('i'))).rejects.toMatchObject({ status: 404 })
  const imported = uniqueName('i')
  const resources = [{ name: 'vm', type: 'machine', agents: [{ name: 'main', instance_id: imported }] }]
  await createTemplate(server, { plan: [{ complete: { resources } }], apply: [{ complete: { resources } }] })
  await expect(askAws(imported)).rejects.toMatchObject({ status: 400 })
  const { id, workspace } = await machine()
  await runSql(server, `update workspace_agents set auth_instance_id = 'earlier-${id}' where auth_instance_id = '${id}'`)
  await build(server.client, workspace, 'stop')
  await expect(askAws(`earlier-${id}`)).rejects.toMatchObject({ status: 400 })
})

test('the newest of several agents with one machine ID gets the token', async () => {
  verifies('agents:instance-identity')
  const { id } = await machine()
  const { agent } = await machine(id)
  await expectAgent((await server.clientFor().instanceIdentity.aws({ body: awsProof(id) })).session_token, agent)
})

test('without the setting for its cloud, every proof is refused', async () => {
  verifies('agents:instance-identity')
  const { instanceIdentity } = off.clientFor()
  await expect(instanceIdentity.aws({ body: awsProof('any') })).rejects.toMatchObject({ status: 404 })
  await expect(instanceIdentity.google({ body: await googleProof('any') })).rejects.toMatchObject({ status: 404 })
  await expect(instanceIdentity.azure({ body: await azureProof('any') })).rejects.toMatchObject({ status: 404 })
})
