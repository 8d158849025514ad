import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Returns the directory of the built agent that is installed with the server. */
export function installedAgentDirectory(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@berth/agent/package.json')), 'dist')
}
