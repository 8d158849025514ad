import { randomUUID } from 'node:crypto'
import { Failure } from '@berth/schema'
import { organizationRole } from '../../access/roles.ts'
import { visibleCondition } from '../../access/visible.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import type { MemberRow, OrganizationRow, UserRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { OrganizationStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: OrganizationStore
  readonly audit: AuditService
  readonly clock: Clock
}

/** Manages organizations and their members. */
export class OrganizationService {
  readonly #dependencies: Dependencies
  readonly #store: OrganizationStore
  readonly #clock: Clock

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
    this.#clock = dependencies.clock
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<OrganizationRow> {
    const row = await this.#store.findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Names match in any case. Throws `not_found`. */
  async getByName(name: string): Promise<OrganizationRow> {
    const row = await this.#store.findByName(name)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Checks the organization of a request body. Throws `organization_not_found`. */
  async require(id: string): Promise<void> {
    if ((await this.#store.findById(id)) === undefined)
      throw new Failure('organization_not_found', { message: `Organization does not exist with the provided id "${id}".` })
  }

  /** Throws `not_found` when the user isn't a member of the organization. */
  async requireMember(organizationId: string, userId: string): Promise<void> {
    if (!(await this.#store.isMember(organizationId, userId))) throw new Failure('not_found')
  }

  async listOfUser(actor: Actor, user: UserRow): Promise<OrganizationRow[]> {
    return await this.#store.listOfUser(user.id, visibleCondition(actor.permissions, 'read', 'organization'))
  }

  /** Lists the user's memberships that the actor may read. */
  async listMemberships(actor: Actor, userId: string): Promise<MemberRow[]> {
    return await this.#store.listMemberships(userId, visibleCondition(actor.permissions, 'read', 'organization_member'))
  }

  /** Creates an organization with the actor as its first member. Throws `name_taken`. */
  async found(actor: Actor, name: string): Promise<OrganizationRow> {
    const { database, audit } = this.#dependencies
    try {
      return await database.transaction(async (transaction) => {
        const row = await this.create(transaction, { name, memberId: actor.user_id })
        await audit.record(transaction, actor, {
          action: 'create',
          resource_type: 'organization',
          resource_id: row.id,
          resource_target: name,
          organization_id: row.id,
          after: row,
          status_code: 201,
        })
        return row
      })
    } catch (error) {
      if (violatedConstraint(error) !== 'organizations_name') throw error
      throw new Failure('name_taken', {
        message: 'Organization already exists with that name.',
        validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
        cause: error,
      })
    }
  }

  /**
   * Sets a member's roles after `check` has accepted the present ones. Nobody else changes them
   * meanwhile. Throws `not_found` for a user who isn't a member.
   */
  async setMemberRoles(
    actor: Actor,
    member: { readonly organization: OrganizationRow; readonly user: UserRow; readonly roles: readonly string[] },
    check: (stored: readonly string[]) => void,
  ): Promise<MemberRow> {
    const { database, audit } = this.#dependencies
    const { organization, user } = member
    return await database.transaction(async (transaction) => {
      const store = this.#store.in(transaction)
      const before = await store.lockMember(organization.id, user.id)
      if (before === undefined) throw new Failure('not_found')
      check(before.roles)
      const after: MemberRow = { ...before, roles: [...new Set(member.roles)], updated_at: timestamp(this.#clock.now()) }
      await store.setMemberRoles(after)
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'organization_member',
        resource_id: user.id,
        resource_target: user.username,
        organization_id: organization.id,
        before,
        after,
      })
      return after
    })
  }

  /** Creates an organization with its first member. */
  async create(
    transaction: Transaction,
    { name, memberId }: { readonly name: string; readonly memberId: string },
  ): Promise<OrganizationRow> {
    const now = timestamp(this.#clock.now())
    const row: OrganizationRow = { id: randomUUID(), name, created_at: now, updated_at: now }
    await this.#store.in(transaction).insert(row)
    await this.addMember(transaction, {
      organizationId: row.id,
      userId: memberId,
      roles: [organizationRole('organization-member', row.id)],
    })
    return row
  }

  async addMember(transaction: Transaction, member: { organizationId: string; userId: string; roles: string[] }): Promise<void> {
    const { organizationId, userId, roles } = member
    const now = timestamp(this.#clock.now())
    await this.#store.in(transaction).insertMember({ organization_id: organizationId, user_id: userId, roles, now })
  }
}
