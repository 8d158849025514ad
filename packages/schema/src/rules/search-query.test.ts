import { runs } from '@berth/vitest/fuzz'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SearchError, parseSearch } from './search-query.ts'

const workspaces = (query: string) => Object.fromEntries(parseSearch(query, 'owner/name'))
const users = (query: string) => Object.fromEntries(parseSearch(query, 'search'))

describe('a search for workspaces', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['   ', {}],
    ['""', {}],
    ['Foo/Bar', { owner: 'foo', name: 'bar' }],
    ['     Foo/Bar     ', { owner: 'foo', name: 'bar' }],
    ['workspace-name', { name: 'workspace-name' }],
    ['workspace-name TEMPLATE:docker', { name: 'workspace-name', template: 'docker' }],
    ['name:workspace-name template:docker OWNER:Alice', { name: 'workspace-name', template: 'docker', owner: 'alice' }],
    ['template:docker   OWNER/NAME', { template: 'docker', owner: 'owner', name: 'name' }],
    ['has-agent:Connecting status:running', { 'has-agent': 'connecting', status: 'running' }],
    ['name:"my workspace"', { name: 'my workspace' }],
    ['"NAME":"my  workspace"', { name: 'my  workspace' }],
    ['foo:bar', { foo: 'bar' }],
    ['name:"workspace:name"', { name: 'workspace:name' }],
    ['"name":"foo:bar:baz/baz/zoo:zonk"', { name: 'foo:bar:baz/baz/zoo:zonk' }],
    ['"foo/bar"', { name: 'foo/bar' }],
    ['"foo"/"bar"', { owner: 'foo', name: 'bar' }],
    ['foo/', { name: 'foo' }],
    ['/foo', { name: 'foo' }],
    ['foo//bar', { owner: 'foo', name: 'bar' }],
    ['a b c', { name: 'c' }],
    ['owner:a owner:b', { owner: 'b' }],
    ['name:', { name: 'name:' }],
    [':name', { name: ':name' }],
    ['name::x', { name: 'x' }],
    ['name:x name:""', {}],
    ['owner:ME', { owner: 'me' }],
    ['name:a\tb', { name: 'a\tb' }],
    ['x "foo bar', { name: 'foo bar' }],
    ['na"me', { name: 'na"me' }],
    ['"""foo"""', { name: 'foo' }],
    ['name:foo/bar', { name: 'foo/bar' }],
    ['__proto__:x', Object.fromEntries([['__proto__', 'x']])],
    ['$$$$', { name: '$$$$' }],
  ])('%j', (query, values) => expect(workspaces(query)).toEqual(values))

  it.each([
    ['foo/bar/baz', `Query element "foo/bar/baz" can only contain 1 '/'`],
    ['/', `Query element "/" can only contain 1 '/'`],
    ['owner:name:extra', `Query element "owner:name:extra" can only contain 1 ':'`],
    [':', `Query element ":" can only contain 1 ':'`],
    ['ok OWNER:name:"an extra" a/b/c', `Query element "owner:name:\\"an extra\\"" can only contain 1 ':'`],
  ])('%j is refused', (query, message) => expect(() => workspaces(query)).toThrow(new SearchError(message)))
})

describe('a search for users', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['user-name', { search: 'user-name' }],
    ['    user-name    ', { search: 'user-name' }],
    ['user-name ROLE:Owner', { search: 'user-name', role: 'owner' }],
    ['search:"user name" status:"active" "role":a,b', { search: 'user name', status: 'active', role: 'a,b' }],
    ['foo:bar', { foo: 'bar' }],
    ['search:"user:name"', { search: 'user:name' }],
    ['a b', { search: 'b' }],
    ['status:', { search: 'status' }],
    ['a/b/c', { search: 'a/b/c' }],
    ['status:inActive', { status: 'inactive' }],
  ])('%j', (query, values) => expect(users(query)).toEqual(values))

  it.each([':', 'search:name:extra'])('%j is refused', (query) => {
    expect(() => users(query)).toThrow(new SearchError(`Query element "${query}" can only contain 1 ':'`))
  })
})

it("the caller chooses the key of the audit log's bare words", () => {
  expect(Object.fromEntries(parseSearch('Template action:create', 'resource_type'))).toEqual({
    resource_type: 'template',
    action: 'create',
  })
})

it('quoted values are read back, whatever they contain', () => {
  const word = fc.string({ minLength: 1 }).filter((text) => !text.includes('"') && text === text.toLowerCase())
  fc.assert(
    fc.property(fc.dictionary(word, word, { noNullPrototype: true }), (values) => {
      const query = Object.entries(values)
        .map(([key, value]) => `"${key}":"${value}"`)
        .join('  ')
      expect(workspaces(query)).toEqual(values)
    }),
  )
})

it('any text is a search or a SearchError', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'B', ' ', ':', '/', '"')), (pieces) => {
      try {
        return [...parseSearch(pieces.join(''), 'owner/name').values()].every((value) => value !== '')
      } catch (error) {
        return error instanceof SearchError
      }
    }),
    { numRuns: runs(1000) },
  )
})
