import { rows } from '../row.ts'

/**
 * The published page of the workspace API: nine endpoints, their parameters, schemas and
 * enumerations.
 */
export const apiPage = [
  ...rows(
    { section: 'workspaces API page' },
    {
      'api-page:create': 'POST /organizations/{organization}/members/{user}/workspaces creates a workspace and its first start build.',
      'api-page:get-by-owner-and-name': 'GET /users/{user}/workspace/{workspacename} returns one workspace.',
      'api-page:list': 'GET /workspaces returns `{ workspaces, count }` and accepts owner, template, name, status and has_agent.',
      'api-page:get': 'GET /workspaces/{workspace} returns one workspace with its latest build.',
      'api-page:rename': 'PATCH /workspaces/{workspace} renames a workspace.',
      'api-page:autostart': 'PUT /workspaces/{workspace}/autostart sets or clears the schedule.',
      'api-page:extend': 'PUT /workspaces/{workspace}/extend changes the deadline of the running build.',
      'api-page:ttl': 'PUT /workspaces/{workspace}/ttl sets or clears the time until shutdown.',
      'api-page:watch': 'GET /workspaces/{workspace}/watch streams the workspace as server-sent events.',
      'api-page:curl': "Every request on the page works with curl as printed, and its answer has the page's fields and types.",
    },
  ),
]
