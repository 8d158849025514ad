import { Client } from 'pg'
import { expect, test } from 'vitest'
import { connectionConfig, ConnectionUrlError, describeConnection, withDatabase } from './connection.ts'

/** Returns what `pg` makes of the settings. */
function clientFor(url: string): Client {
  return new Client(connectionConfig(url, { statementTimeoutMs: 1_000 }))
}

test.each([
  ['postgres://berth:secret@db.example.com:6432/workspaces?sslmode=disable', 'db.example.com', 6432, 'workspaces', 'berth'],
  ['postgresql:///berth?host=%2Fvar%2Flib%2Fb%20e%2Brth&user=berth', '/var/lib/b e+rth', 5432, 'berth', 'berth'],
  ['postgresql://berth@/workspaces?host=/run/postgresql', '/run/postgresql', 5432, 'workspaces', 'berth'],
])('%s is understood', (url, host, port, database, user) => {
  const client = clientFor(url)
  expect([client.host, client.port, client.database, client.user]).toEqual([host, port, database, user])
})

test('a password with percent-encoded characters arrives as it is', () => {
  expect(clientFor('postgresql://berth:p%40ss%2Fw+r%2Bd%25@localhost/berth').password).toBe('p@ss/w+r+d%')
})

test('session options of the URL are kept beside our own', () => {
  const { connectionString = '' } = connectionConfig('postgresql://localhost/berth?options=-c%20search_path%3Dberth', {
    statementTimeoutMs: 0,
  })
  expect(new URL(connectionString).searchParams.get('options')).toMatch(/^-c search_path=berth -c TimeZone=UTC /)
})

test.each(['', 'mysql://localhost/berth', 'localhost', 'postgresql://berth:secret@[bad/berth'])(
  '%j is refused without being repeated',
  (url) => {
    expect(() => connectionConfig(url, { statementTimeoutMs: 0 })).toThrow(ConnectionUrlError)
    try {
      connectionConfig(url, { statementTimeoutMs: 0 })
    } catch (error) {
      if (url !== '') expect(String(error)).not.toContain(url)
    }
  },
)

test('a description names host and database and neither user nor password', () => {
  expect(describeConnection('postgresql://berth:secret@db.example.com/workspaces')).toBe('database workspaces at db.example.com')
  expect(describeConnection('postgresql:///berth?host=%2Frun&user=berth')).toBe('database berth at /run')
})

test('the URL of another database on the same server differs in that alone', () => {
  expect(withDatabase('postgresql:///berth?host=%2Frun&user=berth', 'other')).toBe('postgresql:///other?host=%2Frun&user=berth')
})
