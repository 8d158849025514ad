import { ApiError, type Client } from '@berth/sdk'
import type { Workspace } from '@berth/schema'
import { CommandError } from '../failures.ts'

/**
 * Finds a workspace by `owner/name`, or by `name` among the user's own.
 *
 * @throws CommandError if there is none, or the words aren't a name.
 */
export async function findWorkspace(client: Client, words: string): Promise<Workspace> {
  const pieces = words.split('/')
  const [owner, name] = pieces.length === 1 ? ['me', pieces[0]] : pieces
  if (pieces.length > 2 || !owner || !name) {
    throw new CommandError(`"${words}" isn't a valid workspace name.`, { help: 'Use name or owner/name.' })
  }
  try {
    return await client.workspaces.getByOwnerAndName({ params: { user: owner, workspacename: name } })
  } catch (error) {
    // For an unknown owner the server answers 400, which means the same to the user.
    if (!ApiError.is(error, 404) && !(ApiError.is(error, 400) && owner !== 'me')) throw error
    throw new CommandError(`There is no workspace "${words}".`, { help: "See 'berth list'.", cause: error })
  }
}

/** Returns `owner/name`, which is unique in a deployment. */
export function fullName({ owner_name, name }: Workspace): string {
  return `${owner_name}/${name}`
}
