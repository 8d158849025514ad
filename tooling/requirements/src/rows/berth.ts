import { rows } from '../row.ts'

/** What Berth promises beyond the wire: its two commands, its recovery, its runtime, its agent and its command line. */
export const berth = [
  ...rows(
    { section: 'issue 2: commands' },
    {
      'berth:start:one-command':
        'From a checkout, the start command builds, starts the server with its own database and says what to type next.',
      'berth:start:auto-import':
        'With BERTH_AUTO_IMPORT_TEMPLATES=local the first user finds the starter template; a bare server imports none.',
      'berth:server:importable': '`createServer` can be imported from @berth/server and started and closed by a program.',
      'berth:server:wrong-setting': 'A wrong setting ends the server with exit status 1 and one line that names the setting.',
      'berth:server:coder-settings': 'A CODER_ setting is read where the BERTH_ setting of the same name is absent.',
      'berth:server:external-postgres': 'With BERTH_PG_CONNECTION_URL the server uses that PostgreSQL database.',
      'berth:server:shutdown-loses-nothing': 'SIGTERM lets requests in flight finish and leaves no job without an owner.',
      'berth:server:request-id-in-logs': 'Each log line of a request carries its request id.',
    },
  ),
  ...rows(
    { section: 'issue 2: database' },
    {
      'berth:database:own-postgres':
        'Without a database URL the server runs its own PostgreSQL in the data directory, also when started as root.',
      'berth:database:one-server': 'A second server on one data directory refuses to start and says who holds it.',
      'berth:database:survives-kill': 'After kill -9 of the database process the server has it back, and nothing acknowledged is lost.',
      'berth:database:migrations-locked': 'Two servers that start at once on one database apply each migration once.',
    },
  ),
  ...rows(
    { section: 'issue 2: jobs' },
    {
      'berth:jobs:one-worker': 'Of many workers that ask at once, exactly one gets a job.',
      'berth:jobs:matched': 'A worker gets only jobs whose provisioner type it serves and whose tags it has.',
      'berth:jobs:woken': 'A waiting worker is woken by a new job; it does not wait for a poll.',
      'berth:jobs:lease': 'A job whose worker has been silent for 30 seconds is failed in the database with a reason.',
      'berth:jobs:foreign-worker': 'Only the worker that holds a job may update, fail or complete it.',
      'berth:jobs:cancel': 'Canceling a running job tells its worker, and the job ends canceled or failed.',
      'berth:jobs:restart-recovery':
        'After kill -9 of the server during a build, the next start finishes or fails it within 30 seconds and the workspace is usable.',
    },
  ),
  ...rows(
    { section: 'issue 2: local runtime' },
    {
      'berth:local:home-persists': 'The home directory is the same after stop and start.',
      'berth:local:stop-leaves-no-process':
        'After a stop build no process of the workspace is left, not even one that left its process group.',
      'berth:local:stop-in-bounded-time':
        'A stop takes as long as the processes of a workspace may take to end, and little more, however many there are and whatever they ignore.',
      'berth:local:delete-removes-home': 'A delete build removes the home directory.',
      'berth:local:agent-survives-server': 'The agent outlives the server and is connected again within 2 seconds of its return.',
      'berth:local:no-server-secrets': "A workspace inherits none of the server's environment, file descriptors or secrets.",
      'berth:local:no-descriptors': 'A workspace has descriptors 0 to 2 only, whatever the server was started with.',
      'berth:local:limits': 'Settings limit the processes, open files, file sizes and memory of local workspaces; 0 stands for no limit.',
      'berth:local:named':
        "Where Berth runs as root, a workspace's uid has its owner's name, in a sandbox or with libnss-wrapper; the build log says where it has none.",
      'berth:local:unprivileged': 'Where Berth runs as root, a workspace runs under an unprivileged uid.',
      'berth:local:sandboxed': 'Where bubblewrap works, a workspace sees its own home and its own processes only.',
    },
  ),
  ...rows(
    { section: 'issue 4: the kubernetes template, and what it runs on' },
    {
      'berth:kubernetes:workspace':
        'On a cluster a pod fetches its agent from the server, SSH reaches it, and its home is the same after stop and start.',
      'berth:kubernetes:imported': 'A server in a pod imports the kubernetes template for its own namespace, and workspaces run there.',
      'berth:kubernetes:lifecycle':
        'A start makes a deployment and a volume, another replaces the pod, a stop keeps the volume, a delete removes it.',
      'berth:kubernetes:node-lost': 'A pod that is gone is made anew, and its agent connects again.',
      'berth:kubernetes:orphan': 'A delete without state ends the pod and keeps the volume.',
      'berth:kubernetes:moved':
        'A workspace whose template names another namespace leaves nothing behind that runs, and a delete finds both homes.',
      'berth:kubernetes:failed-start': 'A start that fails says what the cluster says, leaves nothing that runs, and keeps the state.',
      'berth:kubernetes:refused': 'A pod that the cluster refuses to make fails the build at once.',
      'berth:kubernetes:canceled': 'A start that is canceled leaves nothing that runs.',
      'berth:kubernetes:rights': 'The rights that the README of the template lists are enough.',
      'berth:kubernetes:least-rights':
        'A pod gets no right that the restricted Pod Security Standard forbids, unless the template gives it.',
      'berth:kubernetes:unreachable': 'A cluster that is not there, and one that refuses, are told apart, with what to do.',
      'berth:kubernetes:access-url': 'An access URL that no pod can reach is refused before anything is made.',
      'berth:kubernetes:template-scope': 'Whoever creates a workspace cannot give the value of a parameter of the template.',
    },
  ),
  ...rows(
    { section: 'issue 2: templates' },
    {
      'berth:templates:interpolation': 'Parameters and the workspace name are filled into a template at build time.',
      'berth:templates:error-position': 'An error in template.yaml gives file, line and column.',
      'berth:templates:echo-needs-setting': 'Echo jobs run only where the echo provisioner is enabled.',
    },
  ),
  ...rows(
    { section: 'issue 2: agent' },
    {
      'berth:agent:exec': 'A command over SSH gives its output and its exit status.',
      'berth:agent:pty': 'A shell over SSH has a terminal of the size that the client asked for.',
      'berth:agent:environment': 'User processes get the variables of the template, and not the agent token.',
      'berth:agent:greeting': "A shell over SSH begins with the template's greeting, whose path may start with `~`.",
      'berth:agent:sftp': 'Files travel both ways over SFTP, byte for byte.',
      'berth:agent:forwarding': 'Ports are forwarded over SSH.',
      'berth:agent:reconnecting-pty': 'A terminal that was left is found again with its output.',
      'berth:agent:startup-script': 'The startup script runs once when the agent starts.',
      'berth:agent:reconnects': 'After any break the agent is back within 2 seconds of the server’s return.',
    },
  ),
  ...rows(
    { section: 'issue 2: command line' },
    {
      'berth:cli:first-user': '`berth login` creates the first user where there is none.',
      'berth:cli:templates': '`berth templates init`, `create`, `push` and `list` carry a folder to a usable template.',
      'berth:cli:create': '`berth create` shows the stages of the build and ends when the workspace is up.',
      'berth:cli:stop-start-delete': '`berth stop`, `start` and `delete` change the workspace and exit 0 when the build has succeeded.',
      'berth:cli:ssh-exit-status': "`berth ssh workspace -- command` prints the command's output and exits with its status.",
      'berth:cli:json': 'With `-o json` a command prints one JSON document and nothing else on standard output.',
      'berth:cli:questions': 'On a terminal a template asks for the values it lacks, and offers choices where there is a choice.',
      'berth:cli:exit-status': 'A command that fails exits 1 and says on standard error what was wrong and what to do.',
      'berth:cli:signed-out': 'Without a session a command says how to log in.',
    },
  ),
  ...rows(
    { section: 'issue 2: packages' },
    {
      'berth:packages:install-from-tarball': 'Each published package compiles and runs in an empty project that has its packed tarball.',
      'berth:packages:browser-bundle': 'The SDK bundles for a browser without a Node built-in.',
      'berth:packages:openapi': 'The OpenAPI document passes the recommended rules with no error and lists the failures of each operation.',
      'berth:packages:sdk-reconnects': 'watchWorkspace and followLogs go on after a broken connection without losing or repeating a line.',
    },
  ),
  ...rows(
    { section: 'issue 2: watching' },
    {
      'berth:watch:start': 'During a start a watcher hears of every change in order until the agent is connected.',
    },
  ),
  ...rows(
    { section: 'issue 2: records' },
    {
      'berth:records:who-when-where': 'Each write records who made it, when and from which address.',
    },
  ),
  ...rows(
    { section: 'issue 3: sessions' },
    {
      'berth:sessions:end-connections':
        'WebSockets and event streams of a user end on every server when they sign out, lose the key, get another password, are suspended or deleted; those of other keys and users stay.',
    },
  ),
  ...rows(
    { section: 'issue 4: secrets' },
    {
      'berth:secrets:at-rest': 'Provisioner state, git keys, git tokens and parameter values are encrypted in the database.',
      'berth:secrets:wrong-key': 'A server whose key is not that of the database does not start, and says what to do.',
      'berth:secrets:rotation': 'Secrets are encrypted anew by a command while the server runs, those that were stored in clear too.',
    },
  ),
]
