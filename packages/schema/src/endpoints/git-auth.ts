import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'

/** What git asks for when it signs in over HTTPS (Coder v2 API, v0.13.4). */
export const WorkspaceAgentGitAuthResponse = Type.Object(
  {
    username: Type.String(),
    password: Type.String(),
    url: Type.String({ description: 'Where the owner has to sign in first; empty when there is a token.' }),
  },
  { title: 'WorkspaceAgentGitAuthResponse' },
)
export type WorkspaceAgentGitAuthResponse = Static<typeof WorkspaceAgentGitAuthResponse>

export const gitAuth = {
  getOfAgent: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/gitauth',
    summary: "Get the token with which the owner of the calling agent's workspace signs in at a git host.",
    access: 'agent',
    query: Type.Object({
      url: Type.Optional(Type.String({ description: 'URL of the repository. Must be given.' })),
      listen: Type.Optional(Type.String({ description: 'Present: wait until the owner has signed in.' })),
    }),
    status: 200,
    response: WorkspaceAgentGitAuthResponse,
    failures: [
      'agent_unauthorized',
      'invalid_query',
      'invalid_agent_request',
      'git_auth_provider_missing',
      'git_auth_failed',
      'agent_without_workspace',
    ],
  }),
}
