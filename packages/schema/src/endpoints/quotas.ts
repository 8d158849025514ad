import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { UserParams } from './users.ts'

export const WorkspaceQuota = Type.Object(
  {
    credits_consumed: Type.Integer({ description: 'What the newest builds of all workspaces of the user cost.' }),
    budget: Type.Integer({ description: 'What the groups of the user allow together.' }),
  },
  { title: 'WorkspaceQuota' },
)
export type WorkspaceQuota = Static<typeof WorkspaceQuota>

export const quotas = {
  get: endpoint({
    method: 'GET',
    path: '/workspace-quota/:user',
    summary: 'Get what a user spends on workspaces and may spend.',
    access: { resource: 'user', action: 'read' },
    params: UserParams,
    status: 200,
    response: WorkspaceQuota,
    failures: ['invalid_user', 'not_found'],
    trailingSlash: true,
  }),
}
