import { randomUUID } from 'node:crypto'
import { Failure, type CreateFirstUserRequest, type CreateFirstUserResponse, type CreateUserRequest } from '@berth/schema'
import { parseUuid, WireValueError } from '@berth/schema/rules'
import { may } from '../../access/may.ts'
import { visibleCondition } from '../../access/visible.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import type { UserRow } from '../../database/rows.ts'
import type { Actor, Origin } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { OrganizationService } from '../organizations/service.ts'
import { readFilter } from './read-filter.ts'
import { requireNewIdentity } from './require-new-identity.ts'
import { requirePassword } from './require-password.ts'
import type { UserPage, UserStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: UserStore
  readonly organizations: OrganizationService
  readonly audit: AuditService
  readonly clock: Clock
  /** Must run off the main thread. */
  readonly hashPassword: (password: string) => Promise<string>
}

/** The user who set up the deployment, and where their request came from. */
interface FirstUser {
  readonly user_id: string
  readonly organization_id: string
  readonly origin: Origin
}

/** Creates, finds and lists users. */
export class UserService {
  readonly #dependencies: Dependencies
  readonly #store: UserStore
  readonly #firstUserListeners: ((first: FirstUser) => Promise<void>)[] = []

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  /** Calls `listener` once the first user exists. The request fails if the listener does. */
  onFirstUser(listener: (first: FirstUser) => Promise<void>): void {
    this.#firstUserListeners.push(listener)
  }

  /**
   * Finds the user that a path names: `me`, an ID (also of a deleted user) or a username. Throws
   * `invalid_user`.
   */
  async resolve(text: string, actor: Actor | undefined): Promise<UserRow> {
    const user = await this.#findNamed(text, actor)
    if (user === undefined) throw new Failure('invalid_user')
    return user
  }

  /** Finds deleted users too. */
  async find(id: string): Promise<UserRow | undefined> {
    return await this.#store.findById(id)
  }

  /** Whether the deployment has a first user. */
  async hasAny(): Promise<boolean> {
    return await this.#store.hasAny()
  }

  /** Throws `first_user_missing`. */
  async requireFirst(): Promise<void> {
    if (!(await this.hasAny())) throw new Failure('first_user_missing')
  }

  /**
   * Creates the first user, with an organization of the same name. Only one of several concurrent
   * calls succeeds.
   */
  async createFirst(request: CreateFirstUserRequest, origin: Origin): Promise<CreateFirstUserResponse> {
    if (await this.#store.hasAny()) throw new Failure('first_user_exists')
    const { database, organizations, audit, clock, hashPassword } = this.#dependencies
    requireNewIdentity(request)
    requirePassword(request.password)
    const hashed_password = await hashPassword(request.password)
    const now = timestamp(clock.now())
    const user_id = randomUUID()
    const { email, username } = request
    const organization_id = await database.transaction(async (transaction) => {
      const store = this.#store.in(transaction)
      await store.lockFirstUser()
      if (await store.hasAny()) throw new Failure('first_user_exists')
      const after = await store.insert({ id: user_id, email, username, hashed_password, rbac_roles: ['owner'], now })
      const organization = await organizations.create(transaction, { name: username, memberId: user_id })
      await audit.record(
        transaction,
        { user_id, origin },
        {
          action: 'create',
          resource_type: 'user',
          resource_id: user_id,
          resource_target: username,
          after,
          status_code: 201,
        },
      )
      return organization.id
    })
    for (const listener of this.#firstUserListeners) await listener({ user_id, organization_id, origin })
    return { user_id, organization_id }
  }

  /** Creates a user in an organization that the actor may add members to. */
  async create(actor: Actor, request: CreateUserRequest): Promise<UserRow> {
    const { database, organizations, audit, clock, hashPassword } = this.#dependencies
    const { email, username, organization_id } = request
    if (!may(actor.permissions, 'create', { type: 'organization_member', organization_id })) throw new Failure('not_found')
    requireNewIdentity(request)
    if (await this.#store.isTaken(request)) throw new Failure('user_exists')
    await organizations.require(organization_id)
    requirePassword(request.password)
    const id = randomUUID()
    const hashed_password = await hashPassword(request.password)
    try {
      await database.transaction(async (transaction) => {
        const now = timestamp(clock.now())
        const after = await this.#store.in(transaction).insert({ id, email, username, hashed_password, rbac_roles: [], now })
        await organizations.addMember(transaction, { organizationId: organization_id, userId: id, roles: [] })
        await audit.record(transaction, actor, {
          action: 'create',
          resource_type: 'user',
          resource_id: id,
          resource_target: username,
          after,
          status_code: 201,
        })
      })
    } catch (error) {
      // Another request took the name or address between the check and the insert.
      if (violatedConstraint(error)?.startsWith('users_')) throw new Failure('user_exists', { cause: error })
      throw error
    }
    return await this.resolve(id, actor)
  }

  /**
   * Creates a user of a sign-in provider in the organization, or in a new one named after them.
   * Returns the ID.
   */
  async signUp(
    transaction: Transaction,
    request: {
      readonly username: string
      readonly email: string
      readonly avatar_url: string
      readonly login_type: 'github' | 'oidc'
      readonly organization_id: string | undefined
      readonly origin: Origin
    },
  ): Promise<string> {
    const { organizations, audit, clock } = this.#dependencies
    const { organization_id, origin, ...fields } = request
    const id = randomUUID()
    const now = timestamp(clock.now())
    const after = await this.#store.in(transaction).insert({ id, ...fields, hashed_password: '', rbac_roles: [], now })
    if (organization_id === undefined) await organizations.create(transaction, { name: fields.username, memberId: id })
    else await organizations.addMember(transaction, { organizationId: organization_id, userId: id, roles: [] })
    await audit.record(
      transaction,
      { user_id: id, origin },
      {
        action: 'create',
        resource_type: 'user',
        resource_id: id,
        resource_target: fields.username,
        after,
        status_code: 307,
      },
    )
    return id
  }

  /** Throws `invalid_user_search`. */
  async list(actor: Actor, page: { q?: string; after_id?: string; limit?: number; offset?: number }): Promise<UserPage> {
    return await this.#store.listPage({
      visible: visibleCondition(actor.permissions, 'read', 'user'),
      filter: readFilter(page.q ?? ''),
      limit: page.limit ?? 0,
      offset: page.offset ?? 0,
      afterId: page.after_id,
    })
  }

  async #findNamed(text: string, actor: Actor | undefined): Promise<UserRow | undefined> {
    if (text === 'me') return actor === undefined ? undefined : await this.#store.findById(actor.user_id)
    const id = uuidOf(text)
    return id === undefined ? await this.#store.findByUsername(text) : await this.#store.findById(id)
  }
}

function uuidOf(text: string): string | undefined {
  try {
    return parseUuid(text)
  } catch (error) {
    if (error instanceof WireValueError) return undefined
    throw error
  }
}
