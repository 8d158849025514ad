import { randomUUID } from 'node:crypto'
import { Failure } from '@berth/schema'
import { organizationRole } from '../../access/roles.ts'
import { visibleCondition } from '../../access/visible.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import type { OrganizationRow, UserRow } from '../../found.ts'
import type { Actor } from '../../http/caller.ts'
import type { OrganizationStore } from './store.ts'

/** Organizations: who belongs together, and what belongs to them. */
export class OrganizationService {
  readonly #store: OrganizationStore
  readonly #clock: Clock

  constructor({ store, clock }: { readonly store: OrganizationStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<OrganizationRow> {
    const row = await this.#store.findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Throws `not_found`. Names match whatever their case. */
  async getByName(name: string): Promise<OrganizationRow> {
    const row = await this.#store.findByName(name)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Throws `organization_not_found`, for an ID that came in a body. */
  async require(id: string): Promise<void> {
    if ((await this.#store.findById(id)) === undefined)
      throw new Failure('organization_not_found', { message: `Organization does not exist with the provided id "${id}".` })
  }

  /** Throws `not_found` when the user does not belong to the organization. */
  async requireMember(organizationId: string, userId: string): Promise<void> {
    if (!(await this.#store.isMember(organizationId, userId))) throw new Failure('not_found')
  }

  async listOfUser(actor: Actor, user: UserRow): Promise<OrganizationRow[]> {
    return await this.#store.listOfUser(user.id, visibleCondition(actor.permissions, 'read', 'organization'))
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
