import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { UserParams } from './users.ts'

export const WorkspaceQuota = Type.Object(
  {
    credits_consumed: Type.Integer({ description: "Daily cost of the latest builds of the user's workspaces." }),
    budget: Type.Integer({ description: "Sum of the allowances of the user's groups." }),
  },
  { title: 'WorkspaceQuota' },
)
export type WorkspaceQuota = Static<typeof WorkspaceQuota>

export const quotas = {
  get: endpoint({
    method: 'GET',
    path: '/workspace-quota/:user',
    summary: "Get a user's workspace credits: the budget and what is used.",
    description: "The budget is the sum of the allowances of the user's groups. A build that would exceed it fails.",
    access: { resource: 'user', action: 'read' },
    params: UserParams,
    status: 200,
    response: WorkspaceQuota,
    failures: ['invalid_user', 'not_found'],
    trailingSlash: true,
  }),
}
