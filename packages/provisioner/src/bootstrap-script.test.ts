import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { bootstrapScript } from './bootstrap-script.ts'

/* apps/e2e/src/bootstrap.e2e.test.ts tests that the script for Linux starts an agent. */

test.each([
  ['linux', 'amd64', 'coder-linux-amd64'],
  ['linux', 'arm64', 'coder-linux-arm64'],
  ['linux', 'armv7', 'coder-linux-armv7'],
  ['darwin', 'amd64', 'coder-darwin-amd64'],
  ['darwin', 'arm64', 'coder-darwin-arm64'],
  ['windows', 'amd64', 'coder-windows-amd64.exe'],
  ['windows', 'arm64', 'coder-windows-arm64.exe'],
] as const)('the script for %s on %s downloads %s and passes the server and the authentication to it', (system, architecture, name) => {
  verifies('deployment:agent-bootstrap')
  const script = bootstrapScript({ system, architecture, accessUrl: 'https://berth.example.com/base', auth: 'aws-instance-identity' })
  expect(script).toContain(`'https://berth.example.com/base/bin/${name}'`)
  expect(script).toMatch(/CODER_AGENT_URL ?= ?'https:\/\/berth\.example\.com\/base\/'/)
  expect(script).toMatch(/CODER_AGENT_AUTH ?= ?'aws-instance-identity'/)
})

test('a URL cannot break out of the script, and an invalid one is refused', () => {
  const place = { system: 'linux', architecture: 'amd64', auth: 'token' } as const
  const script = bootstrapScript({ ...place, accessUrl: "https://h/a'; touch /tmp/x; '" })
  expect(script).toContain("CODER_AGENT_URL='https://h/a%27;%20touch%20/tmp/x;%20%27/'")
  expect(() => bootstrapScript({ ...place, accessUrl: 'nowhere' })).toThrow(`"nowhere" isn't a valid URL`)
  expect(() => bootstrapScript({ ...place, system: 'darwin', architecture: 'armv7', accessUrl: 'http://h' })).toThrow('no agent for darwin')
})
