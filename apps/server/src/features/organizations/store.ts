import { sql } from 'kysely'
import { visibleSql } from '../../access/visible-sql.ts'
import type { VisibleCondition } from '../../access/visible.ts'
import type { Queries } from '../../database/database.ts'
import type { MemberRow, OrganizationRow } from '../../database/rows.ts'

/** Organizations and their members in the database. */
export class OrganizationStore {
  readonly #queries: Queries

  constructor(queries: Queries) {
    this.#queries = queries
  }

  in(queries: Queries): OrganizationStore {
    return new OrganizationStore(queries)
  }

  async findById(id: string): Promise<OrganizationRow | undefined> {
    return await this.#queries.selectFrom('organizations').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findByName(name: string): Promise<OrganizationRow | undefined> {
    return await this.#queries
      .selectFrom('organizations')
      .selectAll()
      .where(sql`lower(name)`, '=', name.toLowerCase())
      .executeTakeFirst()
  }

  /** Lists the user's organizations that the reader may see, oldest membership first. */
  async listOfUser(userId: string, visible: VisibleCondition): Promise<OrganizationRow[]> {
    if (visible.kind === 'none') return []
    let query = this.#queries
      .selectFrom('organizations')
      .innerJoin('organization_members as member', 'member.organization_id', 'organizations.id')
      .selectAll('organizations')
      .where('member.user_id', '=', userId)
      .orderBy('member.created_at')
      .orderBy('organizations.id')
    if (visible.kind === 'some') query = query.where('organizations.id', '=', sql<string>`any(${visible.organizations}::uuid[])`)
    return await query.execute()
  }

  async isMember(organizationId: string, userId: string): Promise<boolean> {
    const row = await this.#queries
      .selectFrom('organization_members')
      .select('user_id')
      .where('organization_id', '=', organizationId)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row !== undefined
  }

  /** Lists the user's memberships that the reader may see, oldest first. */
  async listMemberships(userId: string, visible: VisibleCondition): Promise<MemberRow[]> {
    return await this.#queries
      .selectFrom('organization_members')
      .selectAll()
      .where('user_id', '=', userId)
      .where(visibleSql(visible, { organization: 'organization_members.organization_id' }))
      .orderBy('created_at')
      .orderBy('organization_id')
      .execute()
  }

  /** Reads a membership. Nobody else can change it before the transaction ends. */
  async lockMember(organizationId: string, userId: string): Promise<MemberRow | undefined> {
    return await this.#queries
      .selectFrom('organization_members')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where('user_id', '=', userId)
      .forUpdate()
      .executeTakeFirst()
  }

  async setMemberRoles({ organization_id, user_id, roles, updated_at }: MemberRow): Promise<void> {
    await this.#queries
      .updateTable('organization_members')
      .set({ roles, updated_at })
      .where('organization_id', '=', organization_id)
      .where('user_id', '=', user_id)
      .execute()
  }

  async insert(row: OrganizationRow): Promise<void> {
    await this.#queries.insertInto('organizations').values(row).execute()
  }

  async insertMember(member: { organization_id: string; user_id: string; roles: string[]; now: string }): Promise<void> {
    const { now, ...row } = member
    await this.#queries
      .insertInto('organization_members')
      .values({ ...row, created_at: now, updated_at: now })
      .execute()
  }
}
