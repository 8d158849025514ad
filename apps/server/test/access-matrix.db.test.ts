import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { failures, type Access, type Action, type EndpointSpec } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isAllowed, type Caller, type Target } from './access-table.ts'
import { createWorld, type Things, type World } from './access-world.ts'
import { callApi } from './call-api.ts'
import { endpoints, pathOf, type NamedEndpoint } from './contract-fixture.ts'
import { runSql } from './run-sql.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { StoredState } from './stored-state.ts'

type Permission = Exclude<Access, string>

/**
 * An endpoint that needs a permission. Those about parameter values appear once for each kind of
 * owner.
 */
interface Case {
  readonly title: string
  readonly name: string
  readonly spec: EndpointSpec
  readonly access: Permission
  readonly scope: string | undefined
}

/** Every endpoint that asks for a permission; one that is added is tested without a word. */
const cases: readonly Case[] = endpoints.flatMap(({ name, spec }: NamedEndpoint) => {
  const { access } = spec
  if (typeof access === 'string') return []
  const scopes = spec.path.includes(':scoped') ? ['template', 'workspace', 'import_job'] : [undefined]
  return scopes.map((scope) => ({ title: scope === undefined ? name : `${name} (${scope})`, name, spec, access, scope }))
})
const guarded = cases.filter(({ access }) => access.filtered !== true)
const filtered = cases.filter(({ access }) => access.filtered === true)

let server: TestServer
let world: World
let state: StoredState
let bodies: Readonly<Record<string, unknown>>
beforeAll(async () => {
  // Apps have hosts of their own, so that signing in to them is there to be asked for.
  server = await startTestServer({ config: { wildcardAccessUrl: '*.apps.example.com' } })
  world = await createWorld(server)
  bodies = await exampleBodies()
  state = await StoredState.of(server)
})
afterAll(async () => {
  await state.close()
  await server.stop()
})

/** What the permission is asked on. */
function targetOf({ access: { resource: type }, spec: { path }, scope }: Case, things: Things, caller: Caller): Target {
  const { organization, owner, isTemplateShared: isShared } = things
  const isNamed = path.includes(':organization') || path.includes(':group') || path.includes(':template') || path.includes(':scoped')
  switch (type) {
    case 'workspace':
    case 'workspace_execution':
    case 'application_connect':
      return { type, organization, owner }
    case 'template':
      if (scope === 'workspace') return { type: 'workspace', organization, owner }
      // Of what is in an organization but is no template yet nothing is shared.
      return { type, organization, isShared: isShared && /:(?:template|scoped)/.test(path) }
    case 'file':
      return { type, owner: path.includes(':file') ? owner : caller.id }
    case 'api_key':
    case 'user_data':
      return { type, owner: path.includes(':user') ? owner : caller.id }
    case 'group':
    case 'organization':
    case 'organization_member':
    case 'assign_org_role':
      return { type, ...(isNamed && { organization }) }
    default:
      return { type }
  }
}

const SUSPENDED = expect.stringContaining('User is not active (status = "suspended")') as string

/** Nobody changes their own roles, whatever else they may do. */
const OWN_ROLES = new Set(['users.updateRoles', 'roles.updateMember'])
const NOT_ONES_OWN = expect.stringContaining('You cannot change your own') as string

interface Step {
  readonly action: Action
  readonly denied: 'not_found' | 'forbidden'
}

const READ_DRY_RUN: Step = { action: 'read', denied: 'forbidden' }

/**
 * A dry run counts as a workspace of whoever started it. That is checked once the version is found
 * to be readable.
 */
const DRY_RUN_STEPS: Readonly<Record<string, readonly Step[]>> = {
  'dryRuns.create': [{ action: 'create', denied: 'not_found' }],
  'dryRuns.get': [READ_DRY_RUN],
  'dryRuns.resources': [READ_DRY_RUN],
  'dryRuns.logs': [READ_DRY_RUN],
  'dryRuns.cancel': [READ_DRY_RUN, { action: 'update', denied: 'not_found' }],
}

interface Refusal {
  readonly status: number
  readonly json?: { readonly message: string }
}

/** How somebody is refused; undefined where they are let in. */
function refusalOf(asked: Case, things: Things, caller: Caller): Refusal | undefined {
  const { name, spec, access } = asked
  // Pages of a browser lead those who are not signed in to the sign-in page.
  if (caller.isSuspended) return spec.signInRedirect === true ? { status: 307 } : { status: 401, json: { message: SUSPENDED } }
  if (OWN_ROLES.has(name) && things.owner === caller.id) return { status: 400, json: { message: NOT_ONES_OWN } }
  const workspace: Target = {
    type: 'workspace',
    organization: things.organization,
    owner: name === 'dryRuns.create' ? caller.id : things.owner,
  }
  const steps = [
    { ...access, target: targetOf(asked, things, caller) },
    ...(DRY_RUN_STEPS[name] ?? []).map((step) => ({ ...step, target: workspace })),
  ]
  const refusing = steps.find(({ action, target }) => !isAllowed(caller, action, target))
  if (refusing === undefined) return undefined
  const { status, message } = failures[refusing.denied ?? 'not_found']
  return { status, json: { message } }
}

function lineOf({ spec, scope }: Case, { parameters, scoped }: Things): string {
  const named = scope === undefined ? {} : { parameterscope: scope, scoped: scoped[scope] ?? '' }
  return `${spec.method} ${pathOf(spec, { ...parameters, ...named })}`
}

/** The places to ask at, each once. */
function placesOf(asked: Case): { where: string; things: Things; line: string }[] {
  const places = Object.entries(world.things).map(([where, things]) => ({ where, things, line: lineOf(asked, things) }))
  return places.filter(({ line }, index) => places.findIndex((place) => place.line === line) === index)
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> }
}

/** A body that fits, for every endpoint that has one: the example of the API reference. */
async function exampleBodies(): Promise<Record<string, unknown>> {
  const { paths } = (await callApi(server, 'GET /openapi.json')).json as { paths: Record<string, Record<string, Operation>> }
  return Object.fromEntries(
    cases.flatMap(({ name, spec: { path, method, body } }) => {
      if (body === undefined) return []
      const example = paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]?.requestBody?.content['application/json']?.example
      if (example === undefined) throw new Error(`The API reference has no example of the body of ${name}.`)
      return [[name, example]]
    }),
  )
}

/** Passes every check of a body that comes before that of access. */
const EARLY_BODIES: Readonly<Record<string, unknown>> = {
  'builds.create': { transition: 'start', template_version_id: randomUUID() },
}

const brokenBody = ({ name, spec }: Case): unknown => EARLY_BODIES[name] ?? (spec.body === undefined ? undefined : '{')

test.each(guarded)('$title: is done for those whom the table of roles names, and refused to everybody else', async (asked) => {
  verifies('plumbing:route-authorization')
  verifies('routes:authorization')
  verifies('people:access')
  const wanted = placesOf(asked).flatMap(({ where, things, line }) =>
    Object.entries(world.callers).map(([who, caller]) => ({
      title: `${line}: ${who}, ${where}`,
      line,
      token: caller.token,
      refusal: refusalOf(asked, things, caller),
    })),
  )
  const before = await state.hashes()
  for (const { title, line, token, refusal } of wanted) {
    if (refusal === undefined) continue
    const { status, json } = await callApi(server, line, { token, body: EARLY_BODIES[asked.name] ?? bodies[asked.name] })
    expect({ title, status, json }).toMatchObject({ title, ...refusal })
  }
  expect(await state.hashes()).toEqual(before)
  const denied = failures[asked.access.denied ?? 'not_found']
  for (const { title, line, token, refusal } of wanted) {
    if (refusal !== undefined) continue
    const { status, json } = await callApi(server, line, { token, body: brokenBody(asked) })
    const isLetIn = status < 500 && status !== 401 && !(status === denied.status && json?.message === denied.message)
    expect({ title, status, isLetIn }).toEqual({ title, status, isLetIn: true })
    if (asked.spec.method !== 'GET' && asked.spec.body === undefined) await state.restore(world.callers['suspended']?.id ?? '')
  }
})

/**
 * What each list consists of: its rows as the table of roles needs them, and the IDs in an answer.
 */
const LISTS: Readonly<Record<string, { readonly rows: string; readonly type: Target['type']; readonly key?: string }>> = {
  'users.list': { type: 'user', key: 'users', rows: 'select id from users where not deleted' },
  'organizations.listOfUser': {
    type: 'organization',
    rows: 'select organization_id as id, organization_id from organization_members where user_id = $2',
  },
  'templates.list': {
    type: 'template',
    rows: 'select id, organization_id, group_acl ? organization_id::text as shared from templates where not deleted and organization_id = $1',
  },
  'workspaces.list': {
    type: 'workspace',
    key: 'workspaces',
    rows: 'select id, organization_id, owner_id from workspaces where not deleted',
  },
  'groups.list': { type: 'group', rows: 'select id, organization_id from groups where organization_id = $1 and id <> organization_id' },
}

test.each(filtered)('$title: shows what the table of roles lets the caller see, and nothing else', async (asked) => {
  verifies('plumbing:route-authorization')
  verifies('routes:authorization')
  const list = LISTS[asked.name]
  if (list === undefined) throw new Error(`Say in LISTS what ${asked.name} is made of.`)
  for (const { where, things, line } of placesOf(asked)) {
    const rows = await runSql(server, `select * from (${list.rows}) as row where $1::uuid is not null and $2::uuid is not null`, [
      things.organization,
      things.owner,
    ])
    for (const [who, caller] of Object.entries(world.callers)) {
      const { status, json } = await callApi(server, line, { token: caller.token })
      if (caller.isSuspended) {
        expect([who, status]).toEqual([who, 401])
        continue
      }
      const visible = rows.filter(({ organization_id, owner_id, shared }) =>
        isAllowed(caller, asked.access.action, {
          type: list.type,
          ...(organization_id !== undefined && { organization: organization_id as string }),
          ...(owner_id !== undefined && { owner: owner_id as string }),
          isShared: shared === true,
        }),
      )
      const shown = ((list.key === undefined ? json : json[list.key]) as { id: string }[]).map(({ id }) => id)
      expect({ who, where, status, shown: shown.toSorted() }).toEqual({
        who,
        where,
        status: 200,
        shown: visible.map(({ id }) => String(id)).toSorted(),
      })
    }
  }
})
