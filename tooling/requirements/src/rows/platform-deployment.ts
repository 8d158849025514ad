import { rows } from '../row.ts'

/** Audit log, deployment, and the tests that neighbour them. */
export const platformDeployment = [
  ...rows(
    { section: 'platform §9.11', issue: 4 },
    {
      'audit:generate': 'A generated entry is listed and counted.',
      'audit:filter': 'Entries are filtered by action, resource, person and date; unknown values filter nothing.',
    },
  ),
  ...rows(
    { section: 'platform §9.12' },
    {
      'deployment:healthz': '/healthz is 200 with the text OK.',
      'deployment:buildinfo': 'The build information is that of the running server.',
    },
  ),
  ...rows(
    { section: 'platform §9.12', issue: 4 },
    {
      'authcheck:generic': 'Unknown resource types are checked generically.',
      'git-ssh-key': 'A user has a git SSH key of the configured kind, and can replace it.',
      'deployment:config': 'The deployment configuration is shown with its secrets blanked.',
      'deployment:updatecheck': 'The update check tells whether a newer release exists.',
      'deployment:derp': 'The relay answers its latency check.',
      'deployment:api-reference': 'The API reference page is there when enabled.',
      'session:middleware': 'Keys are refused, refreshed and bumped exactly as the list of cases says.',
      'rate:by-user-and-address': 'One client is limited and distinct ones are not; a signed-in caller is counted by user.',
      'users:parameter': 'An empty or unknown user is 400, `me` with a key is found.',
      'routes:authorization': 'A refused caller gets nothing but 403 and 404, save for the public routes and filtered lists.',
    },
  ),
]
