import { expect, test } from 'vitest'
import { readGitAuthProviders } from './git-auth-settings.ts'

const GITHUB = { BERTH_GITAUTH_0_TYPE: 'github', BERTH_GITAUTH_0_CLIENT_ID: 'id', BERTH_GITAUTH_0_CLIENT_SECRET: 'secret' }

test('a provider needs a type and a client; the rest has defaults', () => {
  expect(readGitAuthProviders(GITHUB)).toEqual([
    {
      id: 'github',
      type: 'github',
      clientId: 'id',
      clientSecret: 'secret',
      authUrl: 'https://github.com/login/oauth/authorize',
      tokenUrl: 'https://github.com/login/oauth/access_token',
      validateUrl: 'https://api.github.com/user',
      regex: /^(https?:\/\/)?github\.com(\/.*)?$/,
      noRefresh: false,
      scopes: ['repo', 'workflow'],
    },
  ])
})

test('every field can be set with either prefix, and providers are read from 0 up to the first gap', () => {
  const second = {
    CODER_GITAUTH_1_ID: 'ours',
    CODER_GITAUTH_1_TYPE: 'gitlab',
    CODER_GITAUTH_1_CLIENT_ID: 'a',
    CODER_GITAUTH_1_CLIENT_SECRET: 'b',
    CODER_GITAUTH_1_AUTH_URL: 'https://git.example/a',
    CODER_GITAUTH_1_TOKEN_URL: 'https://git.example/t',
    CODER_GITAUTH_1_VALIDATE_URL: 'https://git.example/v',
    CODER_GITAUTH_1_REGEX: 'git\\.example',
    CODER_GITAUTH_1_NO_REFRESH: 'true',
    CODER_GITAUTH_1_SCOPES: 'one two',
    CODER_GITAUTH_3_TYPE: 'nonsense',
  }
  const providers = readGitAuthProviders({ ...GITHUB, ...second })
  expect(providers.map(({ id }) => id)).toEqual(['github', 'ours'])
  expect(providers[1]).toEqual({
    id: 'ours',
    type: 'gitlab',
    clientId: 'a',
    clientSecret: 'b',
    authUrl: 'https://git.example/a',
    tokenUrl: 'https://git.example/t',
    validateUrl: 'https://git.example/v',
    regex: /git\.example/,
    noRefresh: true,
    scopes: ['one', 'two'],
  })
  expect(readGitAuthProviders({})).toEqual([])
})

test.each([
  ['TYPE', 'sourceforge'],
  ['CLIENT_ID', ''],
  ['CLIENT_SECRET', ''],
  ['ID', 'a/b'],
  ['AUTH_URL', 'nonsense'],
  ['TOKEN_URL', 'ftp://x'],
  ['REGEX', '('],
  ['NO_REFRESH', 'perhaps'],
])('a wrong %s is refused by its name', (field, value) => {
  expect(() => readGitAuthProviders({ ...GITHUB, [`BERTH_GITAUTH_0_${field}`]: value })).toThrow(`BERTH_GITAUTH_0_${field} cannot be used`)
})

test('two providers cannot share an ID', () => {
  const twin = Object.fromEntries(Object.entries(GITHUB).map(([name, value]) => [name.replace('_0_', '_1_'), value]))
  expect(() => readGitAuthProviders({ ...GITHUB, ...twin })).toThrow('Two Git providers have the ID "github"')
})
