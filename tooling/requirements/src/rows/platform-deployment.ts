import { rows } from '../row.ts'

/** Audit log, groups, quotas, retention and deployment. */
export const platformDeployment = [
  ...rows(
    { section: 'platform §9.11' },
    {
      'audit:generate': 'A generated entry is listed and counted.',
      'audit:generate-access':
        'Generating an entry needs the permission to write the log, which auditors lack. The route only exists on servers for tests.',
      'audit:filter': 'Entries can be filtered by action, resource, person and date. Unknown values filter nothing.',
    },
  ),
  ...rows(
    { section: 'platform §4.13' },
    {
      'audit:fields': 'An entry has exactly the fields of the contract.',
      'audit:limit': 'Without a limit no entry is listed. The count is the number of all matches, even past the end.',
      'audit:bad-search': 'An invalid search is 400 with its field, after the paging parameters have been checked.',
      'audit:access': 'Owners and auditors can read the audit log; others get 403.',
      'audit:description': 'An entry describes what happened, links to what still exists, and says whether the resource is deleted.',
      'audit:diff':
        'An entry lists exactly the changed fields, with old and new values of one type. A missing side is the zero value; secrets are blank.',
      'audit:failures': 'A refused change of a known resource is recorded with its status and without a diff.',
      'audit:setting': 'With audit logging off nothing is recorded.',
    },
  ),
  ...rows(
    { section: 'platform §4.14' },
    {
      'deployment:app-host': 'The app host is the wildcard with the port of the access URL, and empty without a wildcard.',
      'deployment:csp-reports': 'A report of a content security policy violation needs no session and is logged. Invalid JSON is 400.',
      'deployment:service-banner': 'Every signed-in user can read the service banner, which is off by default.',
      'deployment:service-banner-set': 'Only owners can set the service banner.',
      'deployment:openapi': 'The server serves the OpenAPI document of its API.',
      'deployment:settings': 'Every listed setting is read, and is applied or refused with a line that names it.',
      'deployment:page-headers': 'Pages have a strict content security policy and load nothing from other sites.',
    },
  ),
  ...rows(
    { section: 'platform §4.14: groups' },
    {
      'groups:manage': 'Groups can be created, listed, read, renamed and deleted. Each change is audited.',
      'groups:members': 'Members of the organization can be added to a group and removed. Other users are refused, and nothing changes.',
      'groups:everyone':
        "All members of an organization form a group with the organization's ID. Its name is fixed, and it cannot be deleted. It can be read by ID and name, but is not listed.",
      'groups:members-once': 'Adding a user twice, or one who is already a member, is 412 and changes nothing.',
      'groups:members-active':
        "Suspended users are shown neither in a group nor in a template's access list. They are shown again once activated.",
      'groups:access': 'Members can read the groups of their organization. Only callers with permission can change them.',
      'groups:template-access': "A group on a template's access list gives its members access from the next request.",
    },
  ),
  ...rows(
    { section: 'workspaces §9.11' },
    {
      'quota:budget': "The budget is the sum of the allowances of a user's groups. Consumption is the cost of the latest builds.",
      'quota:refused': 'A build beyond the budget fails with a quota error and changes nothing. Deleting a workspace frees its credits.',
      'quota:running': 'A workspace that already has a cost can be built again, even if the budget has shrunk.',
      'quota:concurrent': 'Concurrent builds never spend a credit twice.',
    },
  ),
  ...rows(
    { section: 'Berth: retention' },
    {
      'retention:deletes':
        'Expired keys, old job logs and old statistics are deleted, audit entries too where a setting says so, and nothing newer.',
      'retention:settings':
        'Each kind of record has a setting for how long it is kept. 0 keeps it forever, which is the default of the audit log.',
      'retention:logs-in-use':
        "The log of a workspace's latest build, and of a template's active and newest version, is kept as long as they are that.",
      'retention:told': 'The server logs at most once a day, in words and numbers, what it has deleted.',
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
    { section: 'platform §9.12' },
    {
      'authcheck:generic': 'Unknown resource types are checked generically.',
      'git-ssh-key': 'A user has a git SSH key of the configured kind and can replace it.',
      'deployment:config': 'The deployment configuration is shown with blank secrets.',
      'deployment:updatecheck': 'The update check says whether a newer release exists.',
      'deployment:updatecheck-waits': 'A request waits up to 3 s for the update check that runs at the start.',
      'deployment:derp': 'The relay answers its latency check.',
      'deployment:api-reference': 'The API reference page exists if enabled.',
      'session:middleware': 'Keys are refused, renewed and extended exactly as the list of cases says.',
      'rate:by-user-and-address': 'One client is limited, and separate clients are not. A signed-in caller is counted by user.',
      'users:parameter': 'An empty or unknown user is 400. `me` with a key is found.',
      'routes:authorization': 'A caller without permissions gets only 403 and 404, except on public routes and filtered lists.',
    },
  ),
  ...rows(
    { section: 'platform §6.9' },
    {
      'deployment:agent-binaries':
        'The agent is served at /bin/ to everyone, compressed if the client accepts it. A missing file is 404 as text.',
      'deployment:agent-bootstrap': 'A bootstrap script fetches the agent with the tools the machine has, and the agent connects.',
    },
  ),
  ...rows(
    { section: 'platform §7.12' },
    {
      'deployment:settings-file': 'A setting comes from its flag, its variable, server.yaml in the configuration folder, or its default.',
      'deployment:shorthand': 'A setting with a one-letter flag can be set by it.',
      'deployment:help': "The server's help and the deployment configuration describe every setting alike.",
      'deployment:completion': 'The server prints scripts that complete its settings in bash, zsh and fish.',
      'deployment:address': 'The older address setting changes the HTTPS listener if TLS is on, else the HTTP listener.',
    },
  ),
  ...rows(
    { section: 'platform §7.13' },
    {
      'deployment:access-url':
        "A warning is logged if the configured access URL is a loopback address or doesn't resolve. The start does not wait for it.",
      'tls:alone': 'With TLS on, an empty HTTP address leaves only HTTPS. A server without any listener is refused.',
      'tls:announced': 'The startup message names every address the server listens on.',
      'tls:listener':
        'With TLS on, the server listens for HTTPS, picks the certificate by host name, and accepts the minimum version and above.',
      'tls:client-authentication': 'Client certificates are requested, and clients accepted or refused, as the setting says.',
      'tls:redirect': "HTTP requests are redirected to the HTTPS access URL with path and query, except at the machine's own addresses.",
      'tls:settings': 'An error names settings that conflict and files that cannot be used.',
    },
  ),
]
