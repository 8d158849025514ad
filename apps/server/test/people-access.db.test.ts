import { verifies } from '@berth/requirements'
import { failures, type Access } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi } from './call-api.ts'
import { endpoints, pathOf, type NamedEndpoint } from './contract-fixture.ts'
import { createMember, uniqueName, type Member } from './factories.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

const ROLES = ['owner', 'user-admin', 'template-admin', 'auditor', 'organization-admin', 'member', 'outsider', 'self'] as const
type Who = (typeof ROLES)[number]
type Permission = Exclude<Access, string>

const EVERYBODY: readonly Who[] = ROLES
const INSIDE: readonly Who[] = ROLES.filter((who) => who !== 'outsider')

/** Who may do what to a user, the user's own things and their organization (Coder v2 API, v0.13.4). `self` is that user. */
const ALLOWED: Readonly<Record<string, readonly Who[]>> = {
  'user:read': EVERYBODY,
  'user:create': ['owner', 'user-admin'],
  'user:update': ['owner', 'user-admin'],
  'user:delete': ['owner', 'user-admin'],
  'user_data:read': ['owner', 'self'],
  'user_data:update': ['owner', 'self'],
  'api_key:create': ['owner', 'self'],
  'api_key:read': ['owner', 'self'],
  'api_key:delete': ['owner', 'self'],
  'organization:create': ['owner'],
  'organization:read': INSIDE,
  'assign_role:read': EVERYBODY,
  'assign_org_role:read': INSIDE,
  'assign_org_role:create': ['owner', 'organization-admin'],
}

/** Every endpoint about people that asks for a permission; one that is added is tested without a word. */
const guarded = endpoints.flatMap(({ name, spec }: NamedEndpoint) => {
  const { access } = spec
  const isOfPeople = /^(?:users|sessions|organizations|roles)\./.test(name)
  return isOfPeople && typeof access === 'object' && access.filtered !== true ? [{ name, spec, access }] : []
})

let server: TestServer
let people: Readonly<Record<Exclude<Who, 'self'>, string>>
beforeAll(async () => {
  server = await startTestServer()
  const organization = server.firstUser.organization_id
  const foreign = await server.client.organizations.create({ body: { name: uniqueName('foreign') } })
  const withRole = async (role: string): Promise<string> => (await createMember(server, { roles: [role] })).token
  const admin = await createMember(server)
  const roles = [`organization-admin:${organization}`]
  await server.client.roles.updateMember({ params: { organization, user: admin.id }, body: { roles } })
  people = {
    owner: await withRole('owner'),
    'user-admin': await withRole('user-admin'),
    'template-admin': await withRole('template-admin'),
    auditor: await withRole('auditor'),
    'organization-admin': admin.token,
    member: (await createMember(server)).token,
    outsider: (await createMember(server, { organization: foreign.id })).token,
  }
})
afterAll(async () => await server.stop())

/** Whether the answer is more than a refusal. What is written is broken, so that nothing is changed where there is a body to break. */
async function isLetIn({ spec, access }: { spec: NamedEndpoint['spec']; access: Permission }, who: Who, self: Member): Promise<boolean> {
  const keyid = spec.path.includes(':keyid') ? (await server.client.sessions.createToken({ params: { user: self.id }, body: {} })).key : ''
  const organization = server.firstUser.organization_id
  const path = pathOf(spec, { user: self.id, organization, organizationname: 'testuser', keyid: keyid.slice(0, 10) })
  const token = who === 'self' ? self.token : people[who]
  const { status, json } = await callApi(server, `${spec.method} ${path}`, { token, ...(spec.body !== undefined && { body: '{' }) })
  const denied = failures[access.denied ?? 'not_found']
  if (status === denied.status && json.message === denied.message) return false
  expect(status).toBeLessThan(500)
  expect([401, 403, 404]).not.toContain(status)
  return true
}

test.each(guarded)('$name lets in whom the matrix of roles names, and nobody else', async (endpoint) => {
  verifies('people:access')
  const self = await createMember(server)
  const allowed = ALLOWED[`${endpoint.access.resource}:${endpoint.access.action}`]
  // Those who are let in come last, the user among them first: some of what they do ends the user's sessions.
  const order = [...ROLES].sort(
    (one, other) => Number(allowed?.includes(one)) - Number(allowed?.includes(other)) || ROLES.indexOf(other) - ROLES.indexOf(one),
  )
  const letIn: Who[] = []
  for (const who of order) if (await isLetIn(endpoint, who, self)) letIn.push(who)
  expect(letIn.toSorted()).toEqual(allowed?.toSorted())
})
