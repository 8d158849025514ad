/**
 * Who may open the ports of a workspace, beside its owner.
 *
 * The wire has no such endpoints; these are Berth's own.
 * @module
 */
import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Choice, Uuid } from '../wire.ts'
import { sharingLevels } from './workspace-resources.ts'

export const PortShare = Type.Object(
  {
    port: Type.Integer(),
    sharing_level: Choice(sharingLevels),
    url: Type.String({ description: 'Where a browser opens the port. Empty when the deployment has no wildcard host name for apps.' }),
  },
  { title: 'PortShare' },
)
export type PortShare = Static<typeof PortShare>

export const ListPortSharesResponse = Type.Object({ shares: Type.Array(PortShare) }, { title: 'ListPortSharesResponse' })
export type ListPortSharesResponse = Static<typeof ListPortSharesResponse>

export const UpdatePortShareRequest = Type.Object(
  { sharing_level: Choice(sharingLevels, { rules: ['oneof'] }) },
  { title: 'UpdatePortShareRequest' },
)
export type UpdatePortShareRequest = Static<typeof UpdatePortShareRequest>

export const portShares = {
  list: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/port-shares',
    summary: 'List the ports of a workspace that others may open.',
    description: 'Berth only. Sorted by port. The owner of the workspace may open every port.',
    access: { resource: 'workspace', action: 'read' },
    params: Type.Object({ workspaceagent: Uuid() }),
    status: 200,
    response: ListPortSharesResponse,
    failures: ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found'],
  }),
  update: endpoint({
    method: 'PUT',
    path: '/workspaceagents/:workspaceagent/port-shares/:port',
    summary: 'Set who may open a port of a workspace.',
    description:
      'Berth only. `authenticated` lets every signed-in user open the port, `public` everybody, and `owner` ends the sharing. A share lasts until the workspace stops or is built again.',
    access: { resource: 'workspace', action: 'update' },
    params: Type.Object({ workspaceagent: Uuid(), port: Type.String({ description: 'A number from 9 to 65535.', examples: ['3000'] }) }),
    body: UpdatePortShareRequest,
    status: 200,
    response: PortShare,
    failures: [
      'invalid_uuid',
      'agent_not_found',
      'agent_not_of_workspace',
      'not_found',
      'invalid_json',
      'validation_failed',
      'invalid_port',
      'agent_not_current',
    ],
  }),
}
