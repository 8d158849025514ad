import { homedir } from 'node:os'
import { installedAgentDirectory } from './settings/agent-directory.ts'
import type { ProgramSources } from './settings/config.ts'

/** Returns what the machine and this installation say about the defaults of settings. */
export function machineSources(): ProgramSources {
  return {
    environment: process.env,
    userId: process.getuid?.(),
    homeDirectory: homedir(),
    agentDirectory: installedAgentDirectory(),
  }
}
