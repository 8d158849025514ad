import { Failure, type UpdateUserPasswordRequest, type UserRoles } from '@berth/schema'
import { may } from '../../access/may.ts'
import { mayChangeRoles, roleChange } from '../../access/role-change.ts'
import { findRole } from '../../access/roles.ts'
import { WORKSPACES_CHANNEL } from '../../database/channels.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import { notify } from '../../database/pubsub.ts'
import type { UserRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { OrganizationService } from '../organizations/service.ts'
import type { SessionService } from '../sessions/service.ts'
import { requireNewIdentity } from './require-new-identity.ts'
import { requirePassword } from './require-password.ts'
import type { UserStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: UserStore
  readonly organizations: OrganizationService
  readonly sessions: SessionService
  readonly audit: AuditService
  readonly clock: Clock
  /** Must run off the main thread. */
  readonly hashPassword: (password: string) => Promise<string>
  readonly isPassword: (password: string, storedHash: string) => Promise<boolean>
}

/** The fields of a user that can change. */
type Change = Parameters<UserStore['update']>[1]

/** Changes existing users. The deployment always keeps an owner who can sign in. */
export class UserChanges {
  readonly #dependencies: Dependencies
  readonly #store: UserStore

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  /**
   * Deletes a user, ends every session, and frees the name and the address. Throws
   * `user_owns_workspaces`, `last_owner`, and `forbidden` for an owner whose role the actor may not
   * remove.
   */
  async delete(actor: Actor, user: UserRow): Promise<void> {
    const { database, sessions } = this.#dependencies
    await database.transaction(async (transaction) => {
      const row = await this.#lockedOwner(transaction, user)
      if (row.deleted) return
      if ((await this.#store.in(transaction).listWorkspaceIds(row.id)).length > 0) throw new Failure('user_owns_workspaces')
      await this.#requireOtherOwner(transaction, row)
      if (row.rbac_roles.includes('owner') && !mayChangeRoles(actor.permissions, { added: [], removed: ['owner'] }))
        throw new Failure('forbidden')
      await sessions.endAll(transaction, row.id)
      await this.#change(transaction, actor, { row, fields: { deleted: true } })
    })
  }

  /**
   * Renames a user and wakes everybody who watches their workspaces. Throws `name_taken` and
   * `validation_failed`.
   */
  async rename(actor: Actor, user: UserRow, username: string): Promise<void> {
    const { database } = this.#dependencies
    if (username !== user.username) requireNewIdentity({ username })
    try {
      await database.transaction(async (transaction) => {
        const row = await this.#locked(transaction, user)
        const other = await this.#store.in(transaction).findByUsername(username)
        if (other !== undefined && other.id !== row.id) throw usernameTaken(other.username === username)
        await this.#change(transaction, actor, { row, fields: { username } })
        for (const id of await this.#store.in(transaction).listWorkspaceIds(row.id)) await notify(transaction, WORKSPACES_CHANNEL, id)
      })
    } catch (error) {
      // Another request took the name after the check.
      throw violatedConstraint(error) === 'users_username' ? usernameTaken(true) : error
    }
  }

  /** Throws `invalid_status_change` for the actor and for owners. */
  async suspend(actor: Actor, user: UserRow): Promise<void> {
    if (user.id === actor.user_id) throw new Failure('invalid_status_change', { message: 'You cannot suspend yourself.' })
    const { database, sessions } = this.#dependencies
    await database.transaction(async (transaction) => {
      const row = await this.#lockedOwner(transaction, user)
      if (row.rbac_roles.includes('owner'))
        throw new Failure('invalid_status_change', {
          message: `You cannot suspend a user with the role "owner". Remove the role from ${row.username} first.`,
        })
      await this.#change(transaction, actor, { row, fields: { status: 'suspended' } })
      await sessions.suspend(transaction, row.id)
    })
  }

  async activate(actor: Actor, user: UserRow): Promise<void> {
    await this.#dependencies.database.transaction(async (transaction) => {
      const row = await this.#locked(transaction, user)
      await this.#change(transaction, actor, { row, fields: { status: 'active' } })
    })
  }

  /**
   * Sets the password and ends every session of the user. Throws `invalid_password` and
   * `forbidden`.
   */
  async setPassword(actor: Actor, user: UserRow, { old_password = '', password }: UpdateUserPasswordRequest): Promise<void> {
    const { database, sessions, hashPassword, isPassword } = this.#dependencies
    requirePassword(password)
    if (old_password === '') {
      if (!may(actor.permissions, 'update', { type: 'user' })) throw new Failure('forbidden')
    } else if (!(await isPassword(old_password, user.hashed_password))) throw passwordRefused('old_password', 'Old password is incorrect.')
    if (await isPassword(password, user.hashed_password)) throw passwordRefused('password', 'New password cannot match old password.')
    const hashed_password = await hashPassword(password)
    await database.transaction(async (transaction) => {
      await this.#change(transaction, actor, { row: user, fields: { hashed_password }, status_code: 204 })
      await sessions.endAll(transaction, user.id)
    })
  }

  /** Returns the site roles, and the roles of each membership that the actor may read. */
  async roles(actor: Actor, user: UserRow): Promise<UserRoles> {
    const memberships = await this.#dependencies.organizations.listMemberships(actor, user.id)
    return {
      roles: user.rbac_roles,
      organization_roles: Object.fromEntries(memberships.map(({ organization_id, roles }) => [organization_id, roles])),
    }
  }

  /** Sets the site roles of another user. Throws `invalid_roles`, `forbidden` and `last_owner`. */
  async setRoles(actor: Actor, user: UserRow, requested: readonly string[]): Promise<void> {
    await this.#dependencies.database.transaction(async (transaction) => {
      const row = await this.#lockedOwner(transaction, user)
      if (!mayChangeRoles(actor.permissions, roleChange(row.rbac_roles, requested, 'member'))) throw new Failure('forbidden')
      const wrong = requested.find((name) => findRole(name)?.role.level !== 'site')
      if (wrong !== undefined) throw new Failure('invalid_roles', { message: `${JSON.stringify(wrong)} isn't a site role.` })
      if (!requested.includes('owner')) await this.#requireOtherOwner(transaction, row)
      await this.#change(transaction, actor, { row, fields: { rbac_roles: [...new Set(requested)] } })
    })
  }

  async #locked(transaction: Transaction, user: UserRow): Promise<UserRow> {
    return (await this.#store.in(transaction).lock(user.id)) ?? user
  }

  /**
   * Like {@link #locked}, but one after the other with every transaction that may remove an owner.
   */
  async #lockedOwner(transaction: Transaction, user: UserRow): Promise<UserRow> {
    await this.#store.in(transaction).lockOwners()
    return await this.#locked(transaction, user)
  }

  async #requireOtherOwner(transaction: Transaction, row: UserRow): Promise<void> {
    if (!row.rbac_roles.includes('owner') || (await this.#store.in(transaction).hasOtherOwner(row.id))) return
    throw new Failure('last_owner')
  }

  async #change(
    transaction: Transaction,
    actor: Actor,
    { row, fields, status_code = 200 }: { readonly row: UserRow; readonly fields: Change; readonly status_code?: number },
  ): Promise<void> {
    const { audit, clock } = this.#dependencies
    await this.#store.in(transaction).update(row.id, fields, timestamp(clock.now()))
    await audit.record(transaction, actor, {
      action: fields.deleted === true ? 'delete' : 'write',
      resource_type: 'user',
      resource_id: row.id,
      resource_target: row.username,
      before: row,
      after: { ...row, ...fields },
      status_code,
    })
  }
}

/**
 * Returns the failure of a taken username. A name taken in another case isn't reported as a field
 * (Coder v2 API, v0.13.4, "profile").
 */
function usernameTaken(isSameSpelling: boolean): Failure {
  const validations = [{ field: 'username', detail: 'This username is already in use and must be unique.' }]
  return new Failure('name_taken', { message: 'User already exists.', ...(isSameSpelling && { validations }) })
}

function passwordRefused(field: 'password' | 'old_password', detail: string): Failure {
  return new Failure('invalid_password', { message: detail, validations: [{ field, detail }] })
}
