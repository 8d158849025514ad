import { rows } from '../row.ts'

/** Audit log, deployment, and the tests that neighbour them. */
export const platformDeployment = [
  ...rows(
    { section: 'platform §9.11' },
    {
      'audit:generate': 'A generated entry is listed and counted.',
      'audit:filter': 'Entries are filtered by action, resource, person and date; unknown values filter nothing.',
    },
  ),
  ...rows(
    { section: 'platform §4.13' },
    {
      'audit:limit': 'Without a limit no entry is listed; the count is that of all matches, also past the end.',
      'audit:bad-search': 'A search that cannot be read is 400 with its field, after the parameters of the page have been checked.',
      'audit:access': 'The audit log is for owners and auditors; others get 403.',
      'audit:description': 'An entry says in words what happened, links to what is still there, and tells whether it is gone.',
      'audit:diff':
        'An entry tells the fields that changed and no other, from and to values of one type; what does not exist is the zero value, secrets are blank.',
      'audit:failures': 'A change that was refused is recorded with its status and without a difference, where its resource was known.',
      'audit:setting': 'With audit logging turned off nothing is recorded.',
    },
  ),
  ...rows(
    { section: 'platform §4.14' },
    {
      'deployment:app-host': 'The host of apps is the wildcard with the port of the access URL, and empty without a wildcard.',
      'deployment:csp-reports': 'A report of the content security policy needs no session and is logged; bad JSON is 400.',
      'deployment:service-banner': 'A service banner is there for whoever is signed in, and off.',
      'deployment:service-banner-set': 'Owners set the service banner, and nobody else does.',
      'deployment:openapi': 'The server hands out the document of its API.',
      'deployment:settings': 'Every listed setting is read, applied, or refused with a line that names it.',
      'deployment:page-headers': 'Pages carry a strict content security policy and load nothing from elsewhere.',
    },
  ),
  ...rows(
    { section: 'platform §4.14: groups' },
    {
      'groups:manage': 'Groups are created, listed, read, renamed and deleted; each change is recorded.',
      'groups:members':
        'Members of the organization are added to a group and removed from it; strangers are refused and nothing is changed.',
      'groups:everyone': 'Everybody of an organization is a group with its ID that keeps its name and cannot be deleted.',
      'groups:access': 'Members read the groups of their organization, and only who may manage them changes them.',
      'groups:template-access': 'A group on the access list of a template opens the template to its members, from the next request on.',
    },
  ),
  ...rows(
    { section: 'workspaces §9.11' },
    {
      'quota:budget': 'The budget is the sum of the allowances of the groups of a user, and what is consumed that of the newest builds.',
      'quota:refused': 'A build beyond the budget fails for want of quota and changes nothing; deleting a workspace frees its credits.',
      'quota:running': 'A workspace that had a cost may be built again whatever the budget has become.',
      'quota:concurrent': 'Builds at the same moment never spend a credit twice.',
    },
  ),
  ...rows(
    { section: 'Berth: retention' },
    {
      'retention:deletes':
        'Expired keys, old logs of jobs, old statistics and old entries of the audit log are deleted, and nothing younger.',
      'retention:settings': 'How long things are kept is a setting for each kind; 0 keeps them.',
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
  ...rows(
    { section: 'platform §6.9' },
    {
      'deployment:agent-binaries':
        'The agent is served at /bin/ to everyone, compressed where that is welcome; what is not there is 404 as text.',
      'deployment:agent-bootstrap': 'A bootstrap script fetches the agent with what a machine has, and the agent connects.',
    },
  ),
  ...rows(
    { section: 'platform §7.12' },
    {
      'deployment:settings-file':
        'A setting is read from its flag, its variable, server.yaml in the configuration folder, or is its default.',
      'deployment:shorthand': 'A setting that has a letter is read from it as from its flag.',
      'deployment:help': 'The help of the server and the deployment configuration say the same about every setting.',
      'deployment:completion': 'The server prints scripts that complete its settings in bash, zsh and fish.',
      'deployment:address': 'The older name of the address moves the HTTPS listener where TLS is on, and the HTTP listener otherwise.',
    },
  ),
  ...rows(
    { section: 'platform §7.13' },
    {
      'deployment:access-url':
        'A warning is logged where the access URL that was set is a loopback or has no address, and the start does not wait for it.',
      'tls:alone': 'With TLS on an HTTP address that is empty on purpose leaves HTTPS alone; that nothing listens is refused.',
      'tls:announced': 'What is printed at start names every address that is listened on.',
      'tls:listener':
        'With TLS on the server listens for HTTPS, shows the certificate that fits the name, and speaks the least version and those above.',
      'tls:client-authentication': 'Clients are asked for certificates, and let in or not, as the setting says.',
      'tls:redirect': 'Who comes over HTTP is sent to the HTTPS access URL with path and query, save by an address of the machine itself.',
      'tls:settings': 'Settings that do not go together, and files that cannot be used, are named.',
    },
  ),
]
