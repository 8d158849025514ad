import { Failure, templateRoles, type TemplateRole, type UpdateTemplateACL, type Validation } from '@berth/schema'
import type { AccessList } from '../../access/may.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import type { TemplateRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { TemplateAccessStore, SharedGroup, SharedUser } from './template-access-store.ts'

export type { SharedGroup, SharedUser } from './template-access-store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: TemplateAccessStore
  readonly audit: AuditService
  readonly clock: Clock
}

/** The actions of each role (Coder v2 API, v0.13.4). */
const ACTIONS: Readonly<Record<Exclude<TemplateRole, ''>, readonly string[]>> = { use: ['read'], admin: ['*'] }

/** Shares templates with users and groups. */
export class TemplateAccess {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Returns the users and groups that have a role, without suspended and deleted users. */
  async list(
    template: TemplateRow,
  ): Promise<{ users: (SharedUser & { role: TemplateRole })[]; groups: (SharedGroup & { role: TemplateRole })[] }> {
    const { store } = this.#dependencies
    const lists = await store.get(template.id)
    const [users, groups] = await Promise.all([
      store.listUsers(Object.keys(lists.user_acl)),
      store.listGroups(Object.keys(lists.group_acl)),
    ])
    return {
      users: users.filter(({ status }) => status === 'active').map((user) => ({ ...user, role: roleOf(lists.user_acl[user.id]) })),
      groups: groups.map((group) => ({ ...group, role: roleOf(lists.group_acl[group.id]) })),
    }
  }

  /**
   * Grants and revokes roles. Users and groups that are not named keep theirs. Throws
   * `validation_failed` for unknown users, groups and roles.
   */
  async update(actor: Actor, template: TemplateRow, request: UpdateTemplateACL): Promise<void> {
    const { database, store, audit, clock } = this.#dependencies
    const [userRoles, groupRoles] = [request.user_perms ?? {}, request.group_perms ?? {}]
    const validations = [
      ...refusals(
        'user_perms',
        userRoles,
        (await store.listUsers(given(userRoles))).map(({ id }) => id),
      ),
      ...refusals('group_perms', groupRoles, await this.#groupsOf(template, given(groupRoles))),
    ]
    if (validations.length > 0) throw new Failure('validation_failed', { validations })
    await database.transaction(async (transaction) => {
      const before = await store.in(transaction).lock(template.id)
      const after = { user_acl: changed(before.user_acl, userRoles), group_acl: changed(before.group_acl, groupRoles) }
      await store.in(transaction).set(template.id, after, timestamp(clock.now()))
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'template',
        resource_id: template.id,
        resource_target: template.name,
        organization_id: template.organization_id,
        before: { ...template, ...before },
        after: { ...template, ...after },
      })
    })
  }

  async #groupsOf(template: TemplateRow, ids: readonly string[]): Promise<string[]> {
    const groups = await this.#dependencies.store.listGroups(ids)
    return groups.filter(({ organization_id }) => organization_id === template.organization_id).map(({ id }) => id)
  }
}

/** Returns the IDs that get a role. The others only lose one, so they don't have to exist. */
function given(roles: Readonly<Record<string, TemplateRole>>): string[] {
  return Object.keys(roles).filter((id) => roles[id] !== '')
}

function refusals(field: string, roles: Readonly<Record<string, TemplateRole>>, known: readonly string[]): Validation[] {
  return Object.entries(roles).flatMap(([id, role]) => {
    // Reading a body does not validate the values of maps.
    if (!templateRoles.includes(role)) return [{ field, detail: `${JSON.stringify(role)} isn't a role; give ${id} "admin", "use" or ""` }]
    if (role === '' || known.includes(id)) return []
    return [{ field, detail: `There is no ${field === 'user_perms' ? 'user' : 'group of the organization'} with the ID ${id}` }]
  })
}

function changed(list: AccessList, roles: Readonly<Record<string, TemplateRole>>): AccessList {
  const entries = Object.entries(roles).flatMap(([id, role]) => (role === '' ? [] : [[id, ACTIONS[role]] as const]))
  return { ...Object.fromEntries(Object.entries(list).filter(([id]) => roles[id] !== '')), ...Object.fromEntries(entries) }
}

function roleOf(actions: readonly string[] | undefined): TemplateRole {
  if (actions?.includes('*') === true) return 'admin'
  return actions?.includes('read') === true ? 'use' : ''
}
