import { Failure } from '@berth/schema'
import { parseUuid, WireValueError } from '@berth/schema/rules'
import { mayChangeRoles, roleChange } from '../../access/role-change.ts'
import { assignableRoles, findRole, organizationRole, type AssignableRole } from '../../access/roles.ts'
import type { MemberRow, OrganizationRow, UserRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { OrganizationService } from '../organizations/service.ts'

/** Lists the roles and sets those of members. */
export class RoleService {
  readonly #organizations: OrganizationService

  constructor({ organizations }: { readonly organizations: OrganizationService }) {
    this.#organizations = organizations
  }

  /**
   * Lists the roles of the site or of an organization, each with whether the actor may assign it.
   */
  list(actor: Actor, organization?: OrganizationRow): AssignableRole[] {
    return assignableRoles(actor.permissions.roles, organization?.id)
  }

  /** Sets a member's roles. Throws `invalid_roles` and `forbidden`. */
  async setOfMember(
    actor: Actor,
    { organization, user }: { readonly organization: OrganizationRow; readonly user: UserRow },
    roles: readonly string[],
  ): Promise<MemberRow> {
    return await this.#organizations.setMemberRoles(actor, { organization, user, roles }, (stored) => {
      const change = roleChange(stored, roles, organizationRole('organization-member', organization.id))
      if (!mayChangeRoles(actor.permissions, change, organization.id)) throw new Failure('forbidden')
      for (const role of roles) requireRoleOf(organization, role)
    })
  }
}

function requireRoleOf(organization: OrganizationRow, fullName: string): void {
  const named = JSON.stringify(fullName)
  const [, organizationId = '', ...rest] = fullName.split(':')
  if (organizationId === '' || rest.length > 0) throw new Failure('invalid_roles', { message: `${named} isn't an organization role.` })
  if (!isUuid(organizationId)) throw new Failure('invalid_roles', { message: `${named} doesn't end in an organization's ID.` })
  if (organizationId !== organization.id) throw new Failure('invalid_roles', { message: `${named} is a role in another organization.` })
  if (findRole(fullName) === undefined) throw new Failure('invalid_roles', { message: `${named} isn't a role.` })
}

function isUuid(text: string): boolean {
  try {
    parseUuid(text)
    return true
  } catch (error) {
    if (error instanceof WireValueError) return false
    throw error
  }
}
