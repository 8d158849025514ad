import { sql } from 'kysely'
import type { AccessList } from '../../access/may.ts'
import type { Queries } from '../../database/database.ts'
import type { UserRow } from '../../database/rows.ts'

export type SharedUser = UserRow

export interface SharedGroup {
  readonly id: string
  readonly name: string
  readonly organization_id: string
  readonly avatar_url: string
  readonly quota_allowance: number
  readonly members: readonly UserRow[]
}

/** The actions that users and groups may do, by their IDs. */
export interface AccessLists {
  readonly user_acl: AccessList
  readonly group_acl: AccessList
}

/** The access lists of templates in the database, with their users and groups. */
export class TemplateAccessStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): TemplateAccessStore {
    return new TemplateAccessStore(queries)
  }

  async get(templateId: string): Promise<AccessLists> {
    return await this.#select(templateId).executeTakeFirstOrThrow()
  }

  /** Locks the lists until the transaction ends, and returns them. */
  async lock(templateId: string): Promise<AccessLists> {
    return await this.#select(templateId).forUpdate().executeTakeFirstOrThrow()
  }

  async set(templateId: string, { user_acl, group_acl }: AccessLists, now: string): Promise<void> {
    await this.#queries
      .updateTable('templates')
      .set({
        user_acl: sql`${JSON.stringify(user_acl)}::jsonb`,
        group_acl: sql`${JSON.stringify(group_acl)}::jsonb`,
        updated_at: now,
      })
      .where('id', '=', templateId)
      .execute()
  }

  /** Returns users by name, also suspended ones, without deleted ones. */
  async listUsers(ids: readonly string[]): Promise<SharedUser[]> {
    const { rows } = await sql<SharedUser>`
      select users.*, ${ORGANIZATION_IDS} from users where id = any(${ids}::uuid[]) and not deleted order by lower(username)`.execute(
      this.#queries,
    )
    return rows
  }

  /**
   * Returns groups by name, "everybody" first, with their active members. The group "everybody" has
   * the members of its organization.
   */
  async listGroups(ids: readonly string[]): Promise<SharedGroup[]> {
    const groups = await this.#queries
      .selectFrom('groups')
      .select(['id', 'name', 'organization_id', 'avatar_url', 'quota_allowance'])
      .where('id', '=', sql<string>`any(${ids}::uuid[])`)
      .orderBy(sql`id <> organization_id`)
      .orderBy(sql`lower(name)`)
      .execute()
    const { rows: members } = await sql<UserRow & { group_id: string }>`
      select member.group_id, users.*, ${ORGANIZATION_IDS} from (
        select group_id, user_id from group_members where group_id = any(${ids}::uuid[])
        union all
        select organization_id, user_id from organization_members where organization_id = any(${ids}::uuid[])
      ) member join users on users.id = member.user_id
      where users.status = 'active' and not users.deleted order by lower(users.username)`.execute(this.#queries)
    return groups.map((group) => ({ ...group, members: members.filter(({ group_id }) => group_id === group.id) }))
  }

  #select(templateId: string) {
    return this.#queries.selectFrom('templates').select(['user_acl', 'group_acl']).where('id', '=', templateId)
  }
}

const ORGANIZATION_IDS = sql`array(select membership.organization_id from organization_members membership
  where membership.user_id = users.id order by membership.created_at, membership.organization_id) as organization_ids`
