import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { UserParams } from './users.ts'
import { Timestamp, Uuid } from '../wire.ts'

const publicKey = { description: 'One line as authorized_keys has them, with the line break.' }

/** The key with which git in a user's workspaces signs in over SSH; the private half never reaches people. */
export const GitSSHKey = Type.Object(
  { user_id: Uuid(), created_at: Timestamp(), updated_at: Timestamp(), public_key: Type.String(publicKey) },
  { title: 'GitSSHKey' },
)
export type GitSSHKey = Static<typeof GitSSHKey>

/** Both halves, for agents. */
export const AgentGitSSHKey = Type.Object(
  {
    public_key: Type.String(publicKey),
    private_key: Type.String({ description: 'PEM: OpenSSH for ed25519, EC PRIVATE KEY or RSA PRIVATE KEY for others.' }),
  },
  { title: 'AgentGitSSHKey' },
)
export type AgentGitSSHKey = Static<typeof AgentGitSSHKey>

export const gitSshKeys = {
  get: endpoint({
    method: 'GET',
    path: '/users/:user/gitsshkey',
    summary: "Get the public half of a user's git SSH key.",
    access: { resource: 'user_data', action: 'read' },
    params: UserParams,
    status: 200,
    response: GitSSHKey,
    failures: ['invalid_user', 'not_found'],
  }),
  regenerate: endpoint({
    method: 'PUT',
    path: '/users/:user/gitsshkey',
    summary: "Replace a user's git SSH key by a new one.",
    access: { resource: 'user_data', action: 'update' },
    params: UserParams,
    status: 200,
    response: GitSSHKey,
    failures: ['invalid_user', 'not_found'],
  }),
  getOfAgent: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/gitsshkey',
    summary: "Get the git SSH key of the owner of the calling agent's workspace.",
    access: 'agent',
    status: 200,
    response: AgentGitSSHKey,
    failures: ['agent_unauthorized', 'agent_without_workspace'],
  }),
}
