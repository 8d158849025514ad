import { expect, test } from 'vitest'
import { readConfig, type AgentSettings, type Environment } from './config.ts'

test.each<[Environment, AgentSettings]>([
  [
    { BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'https://berth.example/' },
    { token: 't', serverUrl: 'https://berth.example' },
  ],
  [
    { BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'http://h:1/base//' },
    { token: 't', serverUrl: 'http://h:1/base' },
  ],
  [
    { CODER_AGENT_TOKEN: 'c', CODER_AGENT_URL: 'http://c' },
    { token: 'c', serverUrl: 'http://c' },
  ],
  [
    { BERTH_AGENT_TOKEN: 'b', CODER_AGENT_TOKEN: 'c', BERTH_AGENT_URL: 'http://b', CODER_AGENT_URL: 'http://c' },
    { token: 'b', serverUrl: 'http://b' },
  ],
  [
    { CODER_AGENT_AUTH: 'token', BERTH_AGENT_TOKEN: 'b', BERTH_AGENT_URL: 'http://b' },
    { token: 'b', serverUrl: 'http://b' },
  ],
  [
    { CODER_AGENT_AUTH: 'aws-instance-identity', CODER_AGENT_URL: 'http://c' },
    { auth: 'aws-instance-identity', serverUrl: 'http://c', metadataUrl: 'http://169.254.169.254' },
  ],
  [
    { BERTH_AGENT_AUTH: 'azure-instance-identity', BERTH_AGENT_URL: 'http://b', BERTH_INSTANCE_METADATA_URL: 'http://m/' },
    { auth: 'azure-instance-identity', serverUrl: 'http://b', metadataUrl: 'http://m' },
  ],
])('%j is read', (environment, config) => {
  expect(readConfig(environment)).toEqual(config)
})

test.each<[Environment, string]>([
  [{}, 'BERTH_AGENT_TOKEN is not set'],
  [{ BERTH_AGENT_TOKEN: 'a\nb', BERTH_AGENT_URL: 'http://b' }, 'characters that are not allowed in a token'],
  [{ BERTH_AGENT_TOKEN: 't' }, 'BERTH_AGENT_URL is not set'],
  [{ BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'berth.example' }, 'is not a web address'],
  [{ BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'ftp://berth.example' }, 'is not a web address'],
  [
    { CODER_AGENT_AUTH: 'password', BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'http://b' },
    'BERTH_AGENT_AUTH "password" is not valid. Use one of token, ',
  ],
  [{ CODER_AGENT_AUTH: 'aws-instance-identity' }, 'BERTH_AGENT_URL is not set'],
])('%j is refused in words that do not give the token away', (environment, problem) => {
  const result = readConfig(environment)
  expect(result).toEqual({ problem: expect.stringContaining(problem) as string })
  expect(JSON.stringify(result)).not.toContain('a\\nb')
})
