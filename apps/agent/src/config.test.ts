import { expect, test } from 'vitest'
import { readConfig, type Environment } from './config.ts'

test.each<[Environment, { token: string; serverUrl: string }]>([
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
])('%j is read', (environment, config) => {
  expect(readConfig(environment)).toEqual(config)
})

test.each<[Environment, string]>([
  [{}, 'BERTH_AGENT_TOKEN is not set'],
  [{ BERTH_AGENT_TOKEN: 'a\nb', BERTH_AGENT_URL: 'http://b' }, 'characters that a token cannot have'],
  [{ BERTH_AGENT_TOKEN: 't' }, 'BERTH_AGENT_URL is not set'],
  [{ BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'berth.example' }, 'is not a web address'],
  [{ BERTH_AGENT_TOKEN: 't', BERTH_AGENT_URL: 'ftp://berth.example' }, 'is not a web address'],
])('%j is refused in words that do not give the token away', (environment, problem) => {
  const result = readConfig(environment)
  expect(result).toEqual({ problem: expect.stringContaining(problem) as string })
  expect(JSON.stringify(result)).not.toContain('a\\nb')
})
