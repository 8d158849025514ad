import { ApiError, type Client } from '@berth/sdk'
import type { Template } from '@berth/schema'

/** Finds a template of an organization by name. Returns undefined if there is none. */
export async function findTemplate(client: Client, organization: string, templatename: string): Promise<Template | undefined> {
  try {
    return await client.templates.getByName({ params: { organization, templatename } })
  } catch (error) {
    if (ApiError.is(error, 404)) return undefined
    throw error
  }
}
