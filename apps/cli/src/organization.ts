import type { Client } from '@berth/sdk'
import type { Organization } from '@berth/schema'
import { CommandError } from './failures.ts'

/** The organization that commands work in: the first of the user's. */
export async function currentOrganization(client: Client): Promise<Organization> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  if (organization === undefined)
    throw new CommandError('You belong to no organization.', { help: 'Ask an administrator to add you to one.' })
  return organization
}
