import { ApiError, type Client } from '@berth/sdk'
import type { Workspace } from '@berth/schema'
import { CommandError } from './failures.ts'

/**
 * Finds a workspace by `name` (one's own) or `owner/name`.
 *
 * @throws CommandError when there is none, or when the words are no name.
 */
export async function findWorkspace(client: Client, words: string): Promise<Workspace> {
  const pieces = words.split('/')
  const [owner, name] = pieces.length === 1 ? ['me', pieces[0]] : pieces
  if (pieces.length > 2 || !owner || !name) {
    throw new CommandError(`"${words}" is not the name of a workspace.`, { help: 'Write it as name, or as owner/name.' })
  }
  try {
    return await client.workspaces.getByOwnerAndName({ params: { user: owner, workspacename: name } })
  } catch (error) {
    // A foreign owner that does not exist is a 400 on the wire, and the same to whoever typed it.
    if (!ApiError.is(error, 404) && !(ApiError.is(error, 400) && owner !== 'me')) throw error
    throw new CommandError(`There is no workspace "${words}".`, { help: "See 'berth list'.", cause: error })
  }
}

/** How a workspace is called by whoever is not sure to be its owner. */
export function fullName({ owner_name, name }: Workspace): string {
  return `${owner_name}/${name}`
}
