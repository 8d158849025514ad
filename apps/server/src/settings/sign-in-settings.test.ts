import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const GITHUB = { CODER_OAUTH2_GITHUB_CLIENT_ID: 'id', CODER_OAUTH2_GITHUB_CLIENT_SECRET: 'secret' }
const OIDC = { BERTH_OIDC_CLIENT_ID: 'id', BERTH_OIDC_CLIENT_SECRET: 'secret', BERTH_OIDC_ISSUER_URL: 'https://accounts.example.com' }

function read(environment: Record<string, string>, ...flags: string[]) {
  return readConfig({ arguments: flags, environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent' })
}

test('sign-in with other sites is off without a client secret, and no cloud is trusted', () => {
  const { githubSignIn, oidcSignIn, instanceIdentity } = read({})
  expect([githubSignIn, oidcSignIn, instanceIdentity.clouds]).toEqual([undefined, undefined, []])
})

test('GitHub sign-in takes organizations, teams and sign-ups from flags', () => {
  const flags = [
    '--oauth2-github-allowed-orgs',
    'berth,harbour',
    '--oauth2-github-allowed-teams=berth/core',
    '--oauth2-github-allow-signups',
  ]
  expect(read(GITHUB, ...flags).githubSignIn).toEqual({
    clientId: 'id',
    clientSecret: 'secret',
    allowedOrganizations: ['berth', 'harbour'],
    allowedTeams: ['berth/core'],
    allowSignups: true,
    enterpriseBaseUrl: undefined,
  })
})

test('OpenID Connect sign-in has default scopes and allows sign-ups', () => {
  expect(read(OIDC).oidcSignIn).toEqual({
    issuerUrl: 'https://accounts.example.com',
    clientId: 'id',
    clientSecret: 'secret',
    scopes: ['openid', 'profile', 'email'],
    emailDomains: [],
    ignoreEmailVerified: false,
    allowSignups: true,
  })
})

test.each([
  [GITHUB, 'BERTH_OAUTH2_GITHUB_ALLOWED_ORGS'],
  [{ ...GITHUB, BERTH_OAUTH2_GITHUB_ALLOW_EVERYONE: 'true', BERTH_OAUTH2_GITHUB_ALLOWED_ORGS: 'a' }, 'BERTH_OAUTH2_GITHUB_ALLOW_EVERYONE'],
  [{ ...GITHUB, BERTH_OAUTH2_GITHUB_ALLOWED_ORGS: 'a', BERTH_OAUTH2_GITHUB_ALLOWED_TEAMS: 'core' }, 'BERTH_OAUTH2_GITHUB_ALLOWED_TEAMS'],
  [{ BERTH_OAUTH2_GITHUB_CLIENT_SECRET: 'secret' }, 'BERTH_OAUTH2_GITHUB_CLIENT_ID'],
  [{ ...OIDC, BERTH_OIDC_ISSUER_URL: '' }, 'BERTH_OIDC_ISSUER_URL'],
  [{ ...OIDC, BERTH_OIDC_CLIENT_ID: '' }, 'BERTH_OIDC_CLIENT_ID'],
  [{ BERTH_INSTANCE_IDENTITY: 'aws' }, 'BERTH_INSTANCE_IDENTITY_AWS_CERTIFICATES'],
  [{ BERTH_INSTANCE_IDENTITY: 'azure' }, 'BERTH_INSTANCE_IDENTITY_AZURE_CERTIFICATES'],
  [{ BERTH_INSTANCE_IDENTITY: 'moon' }, 'BERTH_INSTANCE_IDENTITY'],
])('%j is refused with the name %s', (environment, name) => {
  expect(() => read(environment)).toThrow(name)
})

test('a trusted Google has default keys and a default audience', () => {
  expect(read({ BERTH_INSTANCE_IDENTITY: 'google' }).instanceIdentity).toMatchObject({
    clouds: ['google'],
    googleKeysUrl: 'https://www.googleapis.com/oauth2/v3/certs',
    googleAudience: 'coder',
  })
})
