import { rows } from '../row.ts'

/**
 * Resources, agents, apps, activity, scheduled builds, the provisioner protocol and the app proxy.
 */
export const workspacesAgents = [
  ...rows(
    { section: 'workspaces §3.10, platform §0.2' },
    {
      'derp:upgrade':
        'The relay at /derp accepts an upgrade to DERP, with an HTTP response or without one for a fast start, and a WebSocket with the subprotocol derp. Anything else is 426.',
      'derp:bad-upgrade':
        'A malformed WebSocket upgrade is refused with a 4xx, and only a debug line is logged. The connection ends, whatever the client sends after it.',
      'derp:handshake':
        "The relay sends its key, opens the client's sealed info and replies with its own. It disconnects a client whose info is sealed incorrectly.",
      'derp:server-key': "The relay's key is random and stored in the database, so it is the same on every server of the deployment.",
      'derp:packets': "A packet for a key reaches its owner with the sender's key, over every kind of connection.",
      'derp:ping': 'The relay answers a ping with its payload and ignores unknown frames.',
      'derp:known':
        'The relay passes packets only between clients whose keys the coordinator has met, on any replica. An address has few strangers, and none for longer than a minute.',
      'derp:keep-alive': 'The relay sends keep-alives to a client at an interval.',
      'derp:rate': 'Data beyond the announced rate is delayed.',
      'derp:peer-gone':
        'When a client leaves, the relay tells the peers it sent packets to. A client that has reconnected does not count as gone.',
      'derp:reconnect':
        'A client that connects again before it closes its earlier connection loses nothing: the relay reads what is left there first, and sends what waits, in order.',
      'derp:back-pressure':
        "While a client's queue is full and the client reads, its senders wait, in turns. For a client that doesn't read they wait 2 seconds.",
      'derp:limits':
        'Oversize frames and frames reserved for relays end the connection. A reader that reads nothing loses the oldest packets. Connections are limited by address and end with the server.',
      'derp:map':
        "The relay map has the deployment's region with its STUN servers and relay, as the settings say, and the regions of a configured map.",
    },
  ),
  ...rows(
    { section: 'workspaces §7.3, §8.6' },
    {
      'agents:coordinate:nodes':
        "An agent's latest node goes to its clients, and clients' nodes to the agent, as JSON arrays, whoever connects first.",
      'agents:coordinate:presence':
        'An agent counts as connected while its coordination lasts, with heartbeats like any agent, and as disconnected afterwards. A second socket closes the first.',
      'agents:coordinate:refused': 'An invalid node ends the socket. Strangers, and members without permission, get 404.',
      'agents:latency': "An agent's latency comes from its latest node, by the name of the region, and disappears when it disconnects.",
      'agents:stats:socket': 'The deprecated socket asks for statistics at once and at every interval. Only a changed report is stored.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.14' },
    {
      'agents:resources:two-agents': 'A resource with two agents lists both and has its icon.',
      'agents:apps:health':
        'An app without a health check is `disabled`, one with a check starts as `initializing`. Apps are sorted by slug.',
      'agents:get:by-id': 'An agent can be read by ID and shows its directory.',
      'agents:connect:outdated': 'An agent of an older build cannot connect: `build is outdated`.',
      'agents:app-health:refused': 'An empty health report, an invalid value and an app without a check are refused.',
      'agents:app-health:stored': 'Reported health is stored and shown.',
      'agents:pty': 'A terminal accepts a new size, echoes input and returns output.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.14' },
    {
      'agents:status:timeout': 'An agent that does not connect within its timeout is `timeout`.',
      'agents:resources:metadata':
        'Null metadata is dropped. Empty metadata is kept and the value of sensitive metadata is hidden, in order.',
      'agents:troubleshooting-url': "An agent without a troubleshooting URL gets the deployment's; its own takes precedence.",
      'agents:coordinate:latest-build': 'An agent of the latest build can coordinate. After a newer build it is refused.',
      'agents:coordinate:client': 'A client reaches an agent through connection and coordinate even while no daemon runs.',
      'agents:listening-ports': 'A listener appears once and disappears when it closes. Ports of apps and ignored ports never appear.',
      'agents:listening-ports:unusable':
        'An agent that refuses, sends anything but a list of ports, or takes longer than 10 s: 502 with a sentence.',
      'agents:git-auth': 'Git authentication returns a URL, a token or the exact failures, and the waiting request ends with the callback.',
      'agents:stats:last-used': 'Reported traffic updates last_used_at.',
      'agents:git-ssh-key': "An agent can read its owner's git SSH key.",
      'agents:vscode-port-proxy': "The metadata contains the workspace's port proxy address.",
      'agents:instance-identity': 'A valid cloud identity of the latest build returns a token. An expired one is 401, an unknown one 404.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.15' },
    {
      'workspaces:tunnel:budget':
        'A user has at most 100 tunnels to workspaces; one more closes with 1013 and the reason. Streams of a client that left are reset towards the agent.',
      'workspaces:activity:bump': 'Traffic through the tunnel extends the deadline of a workspace with a ttl.',
      'workspaces:activity:reading': 'Reading a workspace does not change its deadline.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.16' },
    {
      'autobuild:start:due': 'A stopped workspace starts at the next time of its schedule, with reason autostart.',
      'autobuild:start:old-version': 'Autostart keeps the template version of the workspace.',
      'autobuild:start:not-due': 'Autostart does not touch a running workspace, one without a schedule, or one that is not due.',
      'autobuild:stop:due': 'A running workspace stops after its deadline, with reason autostop.',
      'autobuild:stop:extended': 'An extended workspace stops only after its new deadline.',
      'autobuild:stop:stopped': 'A stopped workspace past its deadline does not change.',
      'autobuild:stop:no-ttl': 'A workspace restarted without a ttl has no deadline and is not stopped.',
      'autobuild:stop:ttl-removed': 'A ttl that is set or removed while the workspace runs takes effect at the next start.',
      'autobuild:deleted': 'Scheduled builds ignore a deleted workspace.',
      'autobuild:once': 'Two servers on one database create exactly one build.',
    },
  ),
  ...rows(
    { section: 'platform §6.1, §6.3' },
    {
      'provisioner:no-driver': 'A job for a provisioner that no worker has is acquired and fails with `no provisioner` and its name.',
      'provisioner:payload': 'A job with more than 4 MiB fails with `payload was too big`.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.17' },
    {
      'provisioner:acquire': 'A job includes the name, owner, transition and parameters of its build, and its start is announced.',
      'provisioner:update': 'Updates of a wrong, unknown, unstarted or foreign job fail. Logs and the README are stored.',
      'provisioner:fail': 'A foreign or completed job cannot be failed. State sent with a failure is stored.',
      'provisioner:complete': 'A completed delete marks the workspace as deleted. Imports and dry runs store their resources.',
      'provisioner:resources': 'An invalid agent token and a duplicate app slug are refused. All agent fields are stored.',
      'provisioner:quota': 'A build over quota fails with `quota` in its error. Deleting a workspace frees its share.',
      'provisioner:browser-only': 'If only browsers may connect, dialing an agent is 409.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.18' },
    {
      'plumbing:route-authorization': 'If all permissions are denied, only filtered lists answer 200.',
      'plumbing:authcheck': 'The permission check distinguishes owner, organization admin and member.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.18' },
    {
      'plumbing:agent-parameter':
        'An app route without an agent, with several agents and none named, or with an unknown one, is the exact 400.',
    },
  ),
  ...rows(
    { section: 'workspaces §16.6' },
    {
      'apps:path': 'Path apps redirect, refuse, proxy, and report an app that is down, as the rules say.',
      'apps:session-hidden': 'The session cookie never reaches an app.',
      'apps:no-wildcard': "Without a wildcard, a host name that looks like an app's reaches the normal API.",
      'apps:bad-prefix': 'With a wildcard, a prefix that names no app is 400 with the exact text.',
      'apps:subdomain': 'Apps by slug and by port answer on their subdomain. Port 8 is 400.',
      'apps:sharing': 'Owner, authenticated and public apps can be reached by exactly those callers.',
    },
  ),
  ...rows(
    { section: 'workspaces §16.6' },
    {
      'apps:host': 'The app host is the wildcard with the port of the access URL, or empty.',
      'apps:subdomain-login': 'Signing in to an app on a subdomain gives a key that only opens apps.',
      'apps:key-expiry': "Using an app's key does not extend it, so that it never outlives the session it was made from.",
      'apps:redirect-uri': 'A missing, malformed or foreign redirect_uri is 400.',
      'apps:hostname': 'Host names with too few or too many parts are errors. Names with hyphens are read.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'agents:coordinate:own-agent':
        "Clients of the reference are refused at once where the workspace runs Berth's own agent: 409 with a message that names `berth ssh`.",
      'agents:dial:reference-network':
        "Terminals and listening ports of a workspace that runs the reference's agent are 428, and the message says what to do.",
      'agents:token:lives':
        "An agent's token is good only while its build is the latest of its workspace, the workspace isn't deleted and its owner is active: `build is outdated` (403) after a newer build, and otherwise 401 as for an unknown token, on every endpoint for agents.",
      'agents:token:connections': 'Whatever an agent holds open ends with its token, on every server.',
    },
  ),
  ...rows(
    { section: 'Berth: replicas' },
    {
      'replicas:dial':
        'A stream to an agent works through every replica, whichever of them holds the agent: SSH, ports, the list of ports, terminals, apps.',
      'replicas:dial:dead':
        'A dial of an agent whose replica has died is refused at once with what to do, and works when the agent has connected to another replica.',
      'agents:coordinate:replicas':
        'Agents and clients of the reference learn each other’s nodes whichever replicas they are connected to, whoever connects first.',
      'replicas:sign-out': 'Signing out at one replica ends the streams that the session has through others.',
      'replicas:killed':
        'When a replica is killed, its agents are reached through other replicas within seconds, and streams between the others go on.',
      'replicas:relay:proof':
        'A replica proves itself to another with a key of the deployment. A proof is good once, for two minutes, for one replica, and for one TLS connection unless its certificate is trusted.',
      'replicas:relay:idle':
        'A connection to another replica closes when it has had no stream for 5 minutes, and the next dial opens another.',
      'replicas:relay:strangers': 'Whoever proves nothing finds nothing at the path by which replicas connect to each other.',
      'replicas:relay:once': 'A relayed dial is never relayed again.',
    },
  ),
]
