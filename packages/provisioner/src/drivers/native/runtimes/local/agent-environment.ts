import type { ProvisionMetadata } from '../../../../driver.ts'
import type { Agent } from '../../../../resources.ts'
import { workspaceEnvironment } from '../workspace-environment.ts'

/** Where an agent runs, and its account there. */
export interface AgentPlace {
  readonly agent: Agent
  readonly metadata: ProvisionMetadata
  /** The name of the account inside the workspace. */
  readonly name: string
  readonly shell: string
  readonly home: string
  readonly tmp: string
  /**
   * Whether other programs run with the uid of the workspace, and the agent sees their processes.
   */
  readonly sharesProcesses: boolean
  /** Variables with which programs find the account's name. */
  readonly names?: Readonly<Record<string, string>> | undefined
}

/**
 * Returns the complete environment of an agent. It contains nothing of the server's environment.
 */
export function agentEnvironment({ agent, metadata, name, shell, home, tmp, sharesProcesses, names }: AgentPlace): Record<string, string> {
  return {
    BERTH_AGENT_TOKEN: agent.token ?? '',
    BERTH_AGENT_URL: metadata.access_url,
    ...workspaceEnvironment(agent, metadata),
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: shell,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    TMPDIR: tmp,
    // The network may be the machine's: the agent lists ports of the workspace only.
    BERTH_AGENT_PORTS: sharesProcesses ? 'marked' : 'visible',
    ...names,
  }
}

/**
 * Converts a user name to a Linux account name: at most 32 lower-case letters, digits, `-` and `_`,
 * not starting with a digit.
 */
export function accountName(userName: string): string {
  const name = userName.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-')
  return (/^[a-z_]/.test(name) ? name : `u${name}`).slice(0, 32)
}
