import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { UserParams } from './users.ts'
import { Timestamp, Uuid } from '../wire.ts'

const publicKey = { description: 'One line in `authorized_keys` format, with its line break.' }

/**
 * The public half of the SSH key that git uses in a user's workspaces. Only agents get the private
 * half.
 */
export const GitSSHKey = Type.Object(
  { user_id: Uuid(), created_at: Timestamp(), updated_at: Timestamp(), public_key: Type.String(publicKey) },
  { title: 'GitSSHKey' },
)
export type GitSSHKey = Static<typeof GitSSHKey>

/** Both halves of a git SSH key, for agents. */
export const AgentGitSSHKey = Type.Object(
  {
    public_key: Type.String(publicKey),
    private_key: Type.String({
      description: 'PEM. The format is OpenSSH for ed25519, `EC PRIVATE KEY` for ECDSA and `RSA PRIVATE KEY` for RSA.',
    }),
  },
  { title: 'AgentGitSSHKey' },
)
export type AgentGitSSHKey = Static<typeof AgentGitSSHKey>

export const gitSshKeys = {
  get: endpoint({
    method: 'GET',
    path: '/users/:user/gitsshkey',
    summary: "Get a user's public git SSH key.",
    description: 'Users add the key to their git providers, so that their workspaces can pull and push.',
    access: { resource: 'user_data', action: 'read' },
    params: UserParams,
    status: 200,
    response: GitSSHKey,
    failures: ['invalid_user', 'not_found'],
  }),
  regenerate: endpoint({
    method: 'PUT',
    path: '/users/:user/gitsshkey',
    summary: "Replace a user's git SSH key with a new one.",
    description:
      'The old key is lost. Workspaces ask for the key when git needs it, so they use the new one from then on. Git providers refuse it until they know the new public key.',
    access: { resource: 'user_data', action: 'update' },
    params: UserParams,
    status: 200,
    response: GitSSHKey,
    failures: ['invalid_user', 'not_found'],
  }),
  getOfAgent: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/gitsshkey',
    summary: "Get the workspace owner's git SSH key, for the calling agent.",
    description: 'The answer contains the private key. Only agents receive it.',
    access: 'agent',
    status: 200,
    response: AgentGitSSHKey,
    failures: ['agent_unauthorized', 'build_outdated', 'agent_without_workspace'],
  }),
}
