import { randomUUID } from 'node:crypto'
import { Failure, type CreateGroupRequest, type PatchGroupRequest } from '@berth/schema'
import { WireValueError, isName, parseUuid } from '@berth/schema/rules'
import { visibleCondition } from '../../access/visible.ts'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { violatedConstraint } from '../../database/database-errors.ts'
import type { GroupRow, OrganizationRow, UserRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import type { GroupStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: GroupStore
  readonly audit: AuditService
  readonly clock: Clock
}

/** A group with its active members, sorted by name. */
export interface GroupView {
  readonly group: GroupRow
  readonly members: readonly UserRow[]
}

/** The largest value of the column. */
const MAX_ALLOWANCE = 2_147_483_647
/**
 * The name of the group with all members of an organization. The group's ID is the organization's.
 */
const EVERYONE = 'everyone'

/** Manages the groups of an organization. */
export class GroupService {
  readonly #dependencies: Dependencies
  readonly #store: GroupStore

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
  }

  async find(id: string): Promise<GroupRow | undefined> {
    return await this.#store.findById(id)
  }

  /** Throws `not_found`. */
  async get(id: string): Promise<GroupRow> {
    const row = await this.#store.findById(id)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  /** Names match in any case. Throws `not_found`. */
  async getByName(organizationId: string, name: string): Promise<GroupRow> {
    const row = await this.#store.findByName(organizationId, name)
    if (row === undefined) throw new Failure('not_found')
    return row
  }

  async view(group: GroupRow): Promise<GroupView> {
    return { group, members: await this.#store.listMembers([group.id]) }
  }

  async list(actor: Actor, organization: OrganizationRow): Promise<GroupView[]> {
    const groups = await this.#store.listOfOrganization(organization.id, visibleCondition(actor.permissions, 'read', 'group'))
    const members = await this.#store.listMembers(groups.map(({ id }) => id))
    const byGroup = new Map<string, UserRow[]>(groups.map(({ id }) => [id, []]))
    for (const member of members) byGroup.get(member.group_id)?.push(member)
    return groups.map((group) => ({ group, members: byGroup.get(group.id) ?? [] }))
  }

  /** Throws `invalid_group` and `group_exists`. */
  async create(actor: Actor, organization: OrganizationRow, request: CreateGroupRequest): Promise<GroupView> {
    const { database, audit, clock } = this.#dependencies
    const group: GroupRow = {
      id: randomUUID(),
      organization_id: organization.id,
      name: checkedName(request.name),
      avatar_url: request.avatar_url ?? '',
      quota_allowance: checkedAllowance(request.quota_allowance ?? 0),
      created_at: timestamp(clock.now()),
    }
    await refusingDoubles(group.name, async () => {
      await database.transaction(async (transaction) => {
        await this.#store.in(transaction).insert(group)
        await audit.record(transaction, actor, { ...about(group), action: 'create', after: { ...group, members: [] }, status_code: 201 })
      })
    })
    return { group, members: [] }
  }

  /**
   * Makes all requested changes or none. Throws `invalid_group`, `group_exists`,
   * `group_member_exists` and `group_member_missing`.
   */
  async update(actor: Actor, group: GroupRow, request: PatchGroupRequest): Promise<GroupView> {
    const { database, audit } = this.#dependencies
    const { name, avatar_url, quota_allowance, add_users = [], remove_users = [] } = request
    const isEveryone = group.id === group.organization_id
    const isRenamed = name !== undefined && name !== '' && name !== group.name
    if (isEveryone && (isRenamed || add_users.length > 0 || remove_users.length > 0))
      throw new Failure('invalid_group', {
        message: "You can't rename the everyone group or change its members: they are the members of the organization.",
      })
    const change = {
      ...(isRenamed && { name: checkedName(name) }),
      ...(avatar_url !== undefined && avatar_url !== null && { avatar_url }),
      ...(quota_allowance !== undefined && quota_allowance !== null && { quota_allowance: checkedAllowance(quota_allowance) }),
    }
    const added = add_users.map(memberId)
    const removed = remove_users.map(memberId)
    const changed = { ...group, ...change }
    await refusingDoubles(changed.name, async () => {
      await database.transaction(async (transaction) => {
        const store = this.#store.in(transaction)
        const before = { ...group, members: await store.listMemberIds(group.id) }
        const { joined, left } = await this.#changeMembers(transaction, group, { added, removed })
        await store.update(group.id, change)
        const after = { ...changed, members: [...before.members, ...joined].filter((id) => !left.has(id)) }
        await audit.record(transaction, actor, { ...about(group), action: 'write', before, after })
      })
    })
    return await this.view(changed)
  }

  /** Throws `invalid_group` for the everyone group. */
  async delete(actor: Actor, group: GroupRow): Promise<void> {
    const { database, audit } = this.#dependencies
    if (group.id === group.organization_id) throw new Failure('invalid_group', { message: "You can't delete the everyone group." })
    await database.transaction(async (transaction) => {
      const store = this.#store.in(transaction)
      const before = { ...group, members: await store.listMemberIds(group.id) }
      await store.delete(group.id)
      await audit.record(transaction, actor, { ...about(group), action: 'delete', before })
    })
  }

  /** Adds and removes members. Returns who became a member and who no longer is one. */
  async #changeMembers(
    transaction: Transaction,
    group: GroupRow,
    { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] },
  ): Promise<{ readonly joined: readonly string[]; readonly left: ReadonlySet<string> }> {
    const store = this.#store.in(transaction)
    let joined: readonly string[] = []
    if (added.length > 0) {
      const members = new Set(await store.listOrganizationMembers(group.organization_id, added))
      const stranger = added.find((id) => !members.has(id))
      if (stranger !== undefined)
        throw new Failure('group_member_missing', { message: `User "${stranger}" must be a member of the group's organization.` })
      joined = await store.addMembers(group.id, added)
      if (joined.length < added.length) throw new Failure('group_member_exists', { message: doubleMember(added, joined) })
    }
    const unique = new Set(removed)
    const left = new Set(unique.size === 0 ? [] : await store.removeMembers(group.id, [...unique]))
    if (left.size < unique.size) throw new Failure('group_member_missing')
    return { joined, left }
  }
}

function about(group: GroupRow) {
  return { resource_type: 'group', resource_id: group.id, resource_target: group.name, organization_id: group.organization_id } as const
}

function checkedName(name: string): string {
  if (name.toLowerCase() === EVERYONE)
    throw new Failure('invalid_group', { message: `The name "${name}" is reserved for the everyone group. Choose another.` })
  if (!isName(name))
    throw new Failure('validation_failed', {
      validations: [{ field: 'name', detail: 'Use 1 to 32 letters, digits and single hyphens, and no hyphen at either end.' }],
    })
  return name
}

function checkedAllowance(allowance: number): number {
  if (allowance < 0 || allowance > MAX_ALLOWANCE)
    throw new Failure('validation_failed', {
      validations: [{ field: 'quota_allowance', detail: `Must be a number from 0 to ${MAX_ALLOWANCE}.` }],
    })
  return allowance
}

/** Says which user was added although they are in the group, or are named before. */
function doubleMember(added: readonly string[], joined: readonly string[]): string {
  const repeated = added.find((id, index) => added.indexOf(id) !== index)
  if (repeated !== undefined) return `User "${repeated}" is named twice in add_users. Name each user once.`
  return `User "${added.find((id) => !joined.includes(id))}" is already a member of the group.`
}

function memberId(text: string): string {
  try {
    return parseUuid(text)
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    throw new Failure('invalid_group', { message: `User ID "${text}" must be a valid UUID.`, cause: error })
  }
}

async function refusingDoubles(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (violatedConstraint(error) !== 'groups_name') throw error
    throw new Failure('group_exists', {
      message: `A group named "${name}" already exists.`,
      validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
      cause: error,
    })
  }
}
