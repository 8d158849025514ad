import { placeOf, type SecretBox } from '../secrets/secret-box.ts'

/** Seals and opens the tokens of agents that are handed out later, each in its own row. */
export function agentTokens(secrets: SecretBox): {
  readonly seal: (agentId: string, token: string) => Buffer
  readonly open: (agentId: string, sealed: Buffer) => string
} {
  return {
    seal: (agentId, token) => secrets.sealText(token, place(agentId)),
    open: (agentId, sealed) => secrets.openText(sealed, place(agentId)),
  }
}

function place(agentId: string): string {
  return placeOf('workspace_agents', 'sealed_auth_token', agentId)
}
