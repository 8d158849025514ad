import type { ProvisionMetadata } from '../../../../driver.ts'
import type { Agent } from '../../../../resources.ts'
import { workspaceEnvironment } from '../workspace-environment.ts'

/** Where an agent runs and as whom. */
export interface AgentPlace {
  readonly agent: Agent
  readonly metadata: ProvisionMetadata
  /** The account's name inside the workspace. */
  readonly name: string
  readonly shell: string
  readonly home: string
  readonly tmp: string
}

/** The whole environment of an agent. Nothing of the server's own environment is in it. */
export function agentEnvironment({ agent, metadata, name, shell, home, tmp }: AgentPlace): Record<string, string> {
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
  }
}

/** A user name as an account on Linux can have it: lower-case letters, digits, `-` and `_`, no digit first, at most 32. */
export function accountName(userName: string): string {
  const name = userName.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-')
  return (/^[a-z_]/.test(name) ? name : `u${name}`).slice(0, 32)
}
