import { rows } from '../row.ts'

/** Resources, agents, apps, activity, the schedule loop, the provisioner protocol and the app proxy. */
export const workspacesAgents = [
  ...rows(
    { section: 'workspaces §3.10, platform §0.2' },
    {
      'derp:upgrade':
        'The relay at /derp is reached by an upgrade to DERP, with an answer or without one for a fast start, and by a WebSocket of subprotocol derp; anything else is 426.',
      'derp:handshake':
        'The relay sends its key, opens the sealed info of the client and answers with its own; what is sealed wrongly is sent away.',
      'derp:server-key': 'The key of the relay is random, kept in the database, and so the same on every server of the deployment.',
      'derp:packets': 'A packet for a key arrives at its owner with the key of its sender, in every form of connection.',
      'derp:ping': 'A ping is answered with its payload, unknown frames are ignored.',
      'derp:keep-alive': 'A client hears at an interval that the relay is there.',
      'derp:rate': 'What a client sends beyond the rate that it was told of waits.',
      'derp:peer-gone': 'Who leaves is announced to those it sent packets to; who connects anew is not gone.',
      'derp:limits':
        'Oversize frames and frames between relays end the connection; to a slow reader the oldest packets are lost; connections are limited by address and end with the server.',
      'derp:map':
        'The map of relays has the region of the deployment with its STUN servers and its relay, as the settings say, and regions of a configured map.',
    },
  ),
  ...rows(
    { section: 'workspaces §7.3, §8.6' },
    {
      'agents:coordinate:nodes':
        'The newest node of an agent goes to its clients, and nodes of clients to the agent, whoever came first, as JSON arrays.',
      'agents:coordinate:presence':
        'An agent is connected while its coordination lasts, its signs of life are those of all agents, and it is disconnected at its end; a second socket closes the first.',
      'agents:coordinate:refused': 'What is no node ends a socket; strangers and members without the right get 404.',
      'agents:latency': 'The latency of an agent is that of its newest node, by the name of the region, and goes with the connection.',
      'agents:stats:socket': 'The deprecated socket asks for traffic at once and at every interval; only a report that differs is stored.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.14' },
    {
      'agents:resources:two-agents': 'A resource with two agents lists both, and carries its icon.',
      'agents:apps:health': 'An app without a health check is `disabled`, one with a check starts as `initializing`; apps come by slug.',
      'agents:get:by-id': 'An agent is readable by id and shows its directory.',
      'agents:connect:outdated': 'An agent of an older build may not connect: `build is outdated`.',
      'agents:app-health:refused': 'An empty health report, a value that is none and an app without a check are refused.',
      'agents:app-health:stored': 'Reported health is stored and shown.',
      'agents:pty': 'The terminal takes a resize, and what is typed comes back with its output.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.14' },
    {
      'agents:status:timeout': 'An agent that never connects within its timeout is `timeout`.',
      'agents:resources:metadata': 'Null metadata is dropped, empty and sensitive metadata kept, in order.',
      'agents:troubleshooting-url': "An agent without a troubleshooting URL has the deployment's; one with its own keeps it.",
      'agents:coordinate:latest-build': 'An agent of the latest build may coordinate; after a newer build it is refused.',
      'agents:coordinate:client': 'A client reaches an agent through connection and coordinate while no daemon runs.',
      'agents:listening-ports': 'A listener appears once and disappears when closed; app ports and ignored ports never appear.',
      'agents:git-auth':
        'Git authentication answers a URL, a token or the exact failures, and the listening request ends with the callback.',
      'agents:stats:last-used': 'Reported traffic moves last_used_at.',
      'agents:git-ssh-key': "An agent reads its owner's git SSH key.",
      'agents:vscode-port-proxy': 'The metadata has the port proxy address of the workspace.',
      'agents:instance-identity': 'A valid cloud identity of the latest build gives a token; expired is 401, unknown 404.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.15' },
    {
      'workspaces:activity:bump': 'Traffic through the tunnel moves the deadline of a workspace with a ttl.',
      'workspaces:activity:reading': 'Reading a workspace leaves its deadline alone.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.16' },
    {
      'autobuild:start:due': 'A stopped workspace starts at the next occurrence of its schedule, reason autostart.',
      'autobuild:start:old-version': 'Autostart keeps the template version of the workspace.',
      'autobuild:start:not-due': 'A running workspace, one without a schedule and one whose time has not come stay as they are.',
      'autobuild:stop:due': 'A running workspace stops after its deadline, reason autostop.',
      'autobuild:stop:extended': 'An extended workspace stops after the new deadline only.',
      'autobuild:stop:stopped': 'A stopped workspace past its deadline stays as it is.',
      'autobuild:stop:no-ttl': 'A workspace restarted without a ttl has no deadline and is not stopped.',
      'autobuild:stop:ttl-removed': 'A ttl removed or added while running takes effect with the next start.',
      'autobuild:deleted': 'A deleted workspace is left alone.',
      'autobuild:once': 'Two servers on one database make exactly one transition.',
    },
  ),
  ...rows(
    { section: 'platform §6.1, §6.3' },
    {
      'provisioner:no-driver': 'A job for a provisioner that no worker has is taken and fails with `no provisioner` and its name.',
      'provisioner:payload': 'A job with more than 4 MiB fails with `payload was too big`.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.17' },
    {
      'provisioner:acquire': 'A job comes with the name, owner, transition and parameters of its build, and its start is announced.',
      'provisioner:update': 'Updates of a wrong, unknown, unstarted or foreign job fail; logs and README are stored.',
      'provisioner:fail': 'A foreign or completed job cannot be failed; the state that came with the failure is stored.',
      'provisioner:complete': 'A completed delete marks the workspace deleted; imports and dry runs store their resources.',
      'provisioner:resources': 'A bad agent token and a repeated app slug are refused; all agent fields are stored.',
      'provisioner:quota': 'A build over quota fails with `quota` in its error, and deleting a workspace frees its share.',
      'provisioner:browser-only': 'Where only browsers may connect, dialing an agent is 409.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.18' },
    {
      'plumbing:route-authorization': 'Where everything is refused, no route answers 200 but the filtered list.',
      'plumbing:authcheck': 'The permission check tells owner, organization admin and member apart.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.18', due: 'the app proxy' },
    {
      'plumbing:agent-parameter':
        'An app route without an agent, or with several and none named, or with an unknown one, gives the exact 400.',
    },
  ),
  ...rows(
    { section: 'workspaces §16.6', due: 'the app proxy' },
    {
      'apps:path': 'Path apps redirect, refuse, proxy and report a dead app as the rules say.',
      'apps:session-hidden': 'The session cookie never reaches an app.',
      'apps:no-wildcard': 'Without a wildcard, an app-looking host reaches the normal API.',
      'apps:bad-prefix': 'With a wildcard, a prefix that is no app is 400 with the exact text.',
      'apps:subdomain': 'Apps by slug and by port answer on their subdomain; port 8 is 400.',
      'apps:sharing': 'Owner, authenticated and public apps are reachable by those, and by nobody else.',
    },
  ),
  ...rows(
    { section: 'workspaces §16.6' },
    {
      'apps:host': 'The app host is the wildcard with the port of the access URL, or empty.',
      'apps:subdomain-login': 'Signing in to an app on a subdomain gives a key for apps only.',
      'apps:redirect-uri': 'A missing, malformed or foreign redirect_uri is 400.',
      'apps:hostname': 'Hostnames with too few or too many parts are errors; hyphenated names parse.',
    },
  ),
]
