import { expect, it } from 'vitest'
import { hashPassword, isPassword } from './password.ts'

it("a hash has the wire's format and its own salt, and matches only its password", async () => {
  const hashes = await Promise.all([hashPassword('testpass'), hashPassword('testpass')])
  for (const hash of hashes) {
    expect(hash).toMatch(/^\$pbkdf2-sha256\$65535\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{86}$/)
    expect(await isPassword('testpass', hash)).toBe(true)
    for (const wrong of ['', 'testpas', 'testpass ', 'Testpass']) expect(await isPassword(wrong, hash)).toBe(false)
  }
  expect(hashes[0]).not.toBe(hashes[1])
})

it('no password matches an absent hash', async () => {
  for (const password of ['', 'hunter2', '\0']) expect(await isPassword(password, '')).toBe(false)
})

it('the hash decides the number of iterations', async () => {
  // The first test vector of RFC 7914, section 11.
  const key =
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783'
  const [salt = '', hash = ''] = [Buffer.from('salt'), Buffer.from(key, 'hex')].map((bytes) => bytes.toString('base64').replace(/=+$/, ''))
  expect(await isPassword('passwd', `$pbkdf2-sha256$1$${salt}$${hash}`)).toBe(true)
  expect(await isPassword('passwd', `$pbkdf2-sha256$2$${salt}$${hash}`)).toBe(false)
})

it.each(['x', '$bcrypt$1$a$b', '$pbkdf2-sha256$many$a$b', '$pbkdf2-sha256$1$a'])(
  'a stored hash that is none, as %s, is a fault of the server',
  async (stored) => {
    await expect(isPassword('x', stored)).rejects.toThrow('unknown format')
  },
)
