import { verifies } from '@berth/requirements'
import { expect, it } from 'vitest'
import { accessUrlWarning } from './access-url-warning.ts'

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'berth.example.com': ['192.0.2.7', '2001:db8::7'],
  'here.example.com': ['127.0.1.1'],
  'here6.example.com': ['::1'],
  'empty.example.com': [],
}

async function warning(url: string): Promise<string | undefined> {
  return await accessUrlWarning(url, async (host) => {
    const addresses = NAMES[host]
    if (addresses === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`)
    return await Promise.resolve(addresses)
  })
}

it.each([
  'http://localhost:3000',
  'http://LOCALHOST.:3000',
  'https://berth.localhost',
  'http://127.0.0.1:3000',
  'http://127.9.9.9',
  'http://[::1]:3000',
  'http://[::ffff:127.0.0.1]',
  'http://0.0.0.0:3000',
  'https://here.example.com',
  'https://here6.example.com/',
])('%s points to the machine that uses it', async (url) => {
  verifies('deployment:access-url')
  expect(await warning(url)).toBe(
    `people and workspaces on other machines cannot reach the access URL ${new URL(url).origin}: it points to the machine it is used on; set BERTH_ACCESS_URL to a URL that they can reach`,
  )
})

it.each(['https://nowhere.example.com', 'https://empty.example.com:8443', 'https://ada:hunter2@nowhere.example.com'])(
  '%s has no address',
  async (url) => {
    verifies('deployment:access-url')
    const { origin, hostname } = new URL(url)
    expect(await warning(url)).toBe(
      `people and workspaces cannot reach the access URL ${origin} unless ${hostname} has an address, and it has none here; add one to DNS, or set BERTH_ACCESS_URL to a URL that they can reach`,
    )
  },
)

it.each(['https://berth.example.com', 'http://192.0.2.7:3000', 'http://10.0.0.1', 'http://[2001:db8::7]'])('%s is fine', async (url) => {
  expect(await warning(url)).toBeUndefined()
})
