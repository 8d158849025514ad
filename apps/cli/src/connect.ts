import type { Client } from '@berth/sdk'
import { CommandError } from './failures.ts'
import type { ConnectOptions, World } from './world.ts'

/**
 * Creates a client for a deployment. Nothing is sent yet.
 *
 * @throws CommandError if the URL isn't valid.
 */
export function connect(world: Pick<World, 'connect'>, options: ConnectOptions): Client {
  try {
    return world.connect(options)
  } catch (error) {
    throw error instanceof TypeError ? new CommandError(error.message, { cause: error }) : error
  }
}
