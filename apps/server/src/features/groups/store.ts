import { sql } from 'kysely'
import type { VisibleCondition } from '../../access/visible.ts'
import { visibleSql } from '../../access/visible-sql.ts'
import type { Queries } from '../../database/database.ts'
import type { GroupRow, UserRow } from '../../database/rows.ts'

/** A member and the group they were looked up for. */
export interface GroupMember extends UserRow {
  readonly group_id: string
}

/** Groups in the database. */
export class GroupStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): GroupStore {
    return new GroupStore(queries)
  }

  async findById(id: string): Promise<GroupRow | undefined> {
    return await this.#queries.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findByName(organizationId: string, name: string): Promise<GroupRow | undefined> {
    return await this.#queries
      .selectFrom('groups')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where(sql`lower(name)`, '=', name.toLowerCase())
      .executeTakeFirst()
  }

  /** Lists groups by name, without the everyone group. */
  async listOfOrganization(organizationId: string, visible: VisibleCondition): Promise<GroupRow[]> {
    return await this.#queries
      .selectFrom('groups')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where('id', '<>', organizationId)
      .where(visibleSql(visible, { organization: 'groups.organization_id' }))
      .orderBy(sql`lower(name)`)
      .execute()
  }

  /**
   * Lists the members of all these groups by username, without suspended and deleted users. The
   * everyone group has the organization's members.
   */
  async listMembers(groupIds: readonly string[]): Promise<GroupMember[]> {
    const { rows } = await sql<GroupMember>`
      select member.group_id, users.*, array(
        select membership.organization_id from organization_members membership
        where membership.user_id = users.id order by membership.created_at, membership.organization_id) as organization_ids
      from (
        select group_id, user_id from group_members where group_id = any(${groupIds}::uuid[])
        union all
        select organization_id, user_id from organization_members where organization_id = any(${groupIds}::uuid[])
      ) member join users on users.id = member.user_id
      where users.status = 'active' and not users.deleted order by lower(users.username)`.execute(this.#queries)
    return rows
  }

  /**
   * Lists the IDs of members, also of suspended and deleted users. The everyone group has none of
   * its own.
   */
  async listMemberIds(groupId: string): Promise<string[]> {
    const rows = await this.#queries.selectFrom('group_members').select('user_id').where('group_id', '=', groupId).execute()
    return rows.map(({ user_id }) => user_id)
  }

  async insert(row: GroupRow): Promise<void> {
    await this.#queries.insertInto('groups').values(row).execute()
  }

  async update(id: string, change: Partial<Pick<GroupRow, 'name' | 'avatar_url' | 'quota_allowance'>>): Promise<void> {
    if (Object.keys(change).length > 0) await this.#queries.updateTable('groups').set(change).where('id', '=', id).execute()
  }

  async delete(id: string): Promise<void> {
    await this.#queries.deleteFrom('groups').where('id', '=', id).execute()
  }

  /** Returns those of the users that belong to the organization and aren't deleted. */
  async listOrganizationMembers(organizationId: string, userIds: readonly string[]): Promise<string[]> {
    const rows = await this.#queries
      .selectFrom('organization_members')
      .innerJoin('users', 'users.id', 'organization_members.user_id')
      .select('users.id')
      .where('organization_id', '=', organizationId)
      .where('users.id', '=', sql<string>`any(${userIds}::uuid[])`)
      .where('users.deleted', '=', false)
      .execute()
    return rows.map(({ id }) => id)
  }

  /** Adds members and returns those that weren't members before. */
  async addMembers(groupId: string, userIds: readonly string[]): Promise<string[]> {
    const { rows } = await sql<{ user_id: string }>`
      insert into group_members (group_id, user_id) select ${groupId}::uuid, unnest(${userIds}::uuid[])
      on conflict do nothing returning user_id`.execute(this.#queries)
    return rows.map(({ user_id }) => user_id)
  }

  /** Removes members and returns those that were members before. */
  async removeMembers(groupId: string, userIds: readonly string[]): Promise<string[]> {
    const rows = await this.#queries
      .deleteFrom('group_members')
      .where('group_id', '=', groupId)
      .where('user_id', '=', sql<string>`any(${userIds}::uuid[])`)
      .returning('user_id')
      .execute()
    return rows.map(({ user_id }) => user_id)
  }
}
