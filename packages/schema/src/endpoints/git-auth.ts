import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Line, LongLine } from '../wire.ts'

/** Credentials for git over HTTPS (Coder v2 API, v0.13.4). */
export const WorkspaceAgentGitAuthResponse = Type.Object(
  {
    username: Type.String(),
    password: Type.String(),
    url: Type.String({ description: 'URL at which the owner must sign in first. Empty when there is a token.' }),
  },
  { title: 'WorkspaceAgentGitAuthResponse' },
)
export type WorkspaceAgentGitAuthResponse = Static<typeof WorkspaceAgentGitAuthResponse>

export const gitAuth = {
  getOfAgent: endpoint({
    method: 'GET',
    path: '/workspaceagents/me/gitauth',
    summary: 'Get a git token of the workspace owner, for the calling agent.',
    description:
      'If the owner has not signed in to the git provider, `url` tells where to do so. With `listen`, the answer waits until the owner has signed in.',
    access: 'agent',
    query: Type.Object({
      url: Type.Optional(LongLine({ description: 'URL of the repository. Required.' })),
      listen: Type.Optional(Line({ description: 'If present, wait until the owner has signed in.' })),
    }),
    status: 200,
    response: WorkspaceAgentGitAuthResponse,
    failures: [
      'agent_unauthorized',
      'build_outdated',
      'invalid_query',
      'invalid_agent_request',
      'git_auth_provider_missing',
      'git_auth_failed',
      'agent_without_workspace',
    ],
  }),
}
