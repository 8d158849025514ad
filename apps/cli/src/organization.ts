import type { Client } from '@berth/sdk'
import type { Organization } from '@berth/schema'
import { CommandError } from './failures.ts'

/** Returns the organization that commands work in: the user's first. */
export async function currentOrganization(client: Client): Promise<Organization> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  if (organization === undefined)
    throw new CommandError("You aren't a member of any organization.", { help: 'Ask an administrator to add you to one.' })
  return organization
}
