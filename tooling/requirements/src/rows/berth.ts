import { rows } from '../row.ts'

/** What Berth promises beyond the wire; of templates, jobs and runtimes see berth-builds.ts. */
export const berth = [
  ...rows(
    { section: 'Berth: commands' },
    {
      'berth:start:one-command':
        'In a checkout, the start command builds Berth, starts the server with its own database and prints the next command to type.',
      'berth:start:old-node':
        'On a Node.js older than `engines` asks for, server, command line and start print one line that says which version they need, and exit with 1.',
      'berth:start:readme': 'The commands of the first five minutes in the README work in the order in which they stand there.',
      'berth:start:auto-import':
        'With BERTH_AUTO_IMPORT_TEMPLATES=local the starter template is imported for the first user. Without the setting none is.',
      'berth:server:importable': 'A program can import `createServer` from @berth/server, start a server and close it.',
      'berth:server:program-settings':
        'A program gives `createServer` only the settings that differ from the defaults; a name that no setting has is an error that names the nearest one.',
      'berth:server:wrong-setting': 'With an invalid setting the server exits with status 1 and prints one line that names the setting.',
      'berth:server:checked-first':
        'An address that is taken, a sandbox or isolated network that is missing, a directory without an agent and one that cannot be made end the start before it makes anything.',
      'berth:server:quiet-stop': 'A server that stops closes its database connections first, so that the database reports nothing.',
      'berth:dev:restart': '`pnpm dev` starts the server again when a source of it changes, and keeps the database running.',
      'berth:server:coder-settings': 'A CODER_ setting applies when the BERTH_ setting of the same name is absent.',
      'berth:server:keeps-serving':
        'Nothing that an agent, a client or a stranger sends ends the process. An error that nobody caught is logged, and the server keeps serving.',
      'berth:server:external-postgres': 'With BERTH_PG_CONNECTION_URL the server uses that PostgreSQL database.',
      'berth:server:shutdown-loses-nothing': 'After SIGTERM, requests in flight finish and no job is left without an owner.',
      'berth:server:request-id-in-logs': "Each log line of a request contains the request's ID.",
    },
  ),
  ...rows(
    { section: 'Berth: database' },
    {
      'berth:database:own-postgres':
        'Without a database URL the server runs its own PostgreSQL in the data directory, even if started as root.',
      'berth:database:one-server': 'A second server on the same data directory refuses to start and names the process that holds it.',
      'berth:names:one-winner': 'Of two requests that ask for one name at the same moment, one gets it and the other 409.',
      'berth:database:survives-kill': 'After kill -9 of the database process the server restores it, and no acknowledged write is lost.',
      'berth:database:foreign':
        "A database of the reference, or of another program with a list of migrations, is refused with a sentence and isn't changed.",
      'berth:database:migrations-locked': 'When two servers start at once on one database, each migration is applied once.',
    },
  ),
  ...rows(
    { section: 'Berth: apps' },
    {
      'berth:apps:own-pages':
        "A cookie opens an app only for pages of the app's own host and for visits. A page of another app can't use it, though a browser sends it along.",
      'berth:apps:own-cookies': "An app can't set a cookie of the server, clear the cookies of its host, or change how browsers reach it.",
      'berth:apps:forwarded':
        "An app gets X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto from the server and not from the client. Headers about one connection don't go on.",
      'berth:apps:forwarded-host':
        'X-Forwarded-Host names the host of an app only if a trusted proxy sends it and the settings list it: a script of an app could send it too.',
      'berth:apps:host-keys':
        "The key that a visitor gets for an app opens that app's host alone. It is handed over once, within a minute, and ends with the session.",
      'berth:apps:isolated':
        'In a browser, apps by path open on an origin of their own, where the session cookie counts for nothing and there is no API, and apps of other people open in a sandbox. A program that brings its token is answered in place.',
      'berth:apps:port-shares':
        'The owner of a running workspace opens a port to signed-in users or to everybody, and closes it again, which ends the connections of others. The sharing ends when the workspace stops or is built again, and the audit log tells of it.',
      'berth:apps:powerless':
        "In Chromium, an app by path, on its sub-domain or on a port can't read the API as its visitor, start a build, open a terminal, or read the session cookie.",
      'berth:apps:localhost': 'With the wildcard *.apps.localhost a browser on the same machine opens apps and ports by their host names.',
      'berth:cli:ports': '`berth ports share` opens a port to others and closes it again, and `berth ports list` shows which are open.',
      'berth:apps:fresh':
        'Who may open an app is looked up at most once a second for each visitor and app: a change of roles counts within a second, and sign-outs, builds and shares at once.',
      'berth:apps:address':
        "Apps by path have the port after the server's by default. If it is taken the server starts nevertheless, and a page says what to set. The origin is that of the access URL with this port, or BERTH_APPS_ACCESS_URL, and never the server's own.",
      'berth:apps:streams':
        'Requests and answers of apps pass through as they come, without being collected, and end when either side leaves. A connection that an app closed while it was idle is replaced.',
      'berth:apps:websockets': 'WebSockets of apps pass through, and end with the session that opened them.',
    },
  ),
  ...rows(
    { section: 'Berth: agent' },
    {
      'berth:agent:own-ports':
        'A local workspace that shares the network of the machine lists the ports of its own processes, and no others.',
      'berth:agent:version': 'The agent reports the version that its server reports.',
      'berth:agent:exec': 'A command over SSH returns its output and exit status.',
      'berth:agent:pty': 'A shell over SSH gets a terminal of the size the client asks for.',
      'berth:agent:environment': "User processes have the template's variables, but not the agent token.",
      'berth:agent:sftp': 'SFTP transfers files in both directions byte for byte.',
      'berth:agent:forwarding': 'SSH forwards ports.',
      'berth:agent:agent-forwarding':
        "With `ssh -A`, programs of the session reach the client's SSH agent through a socket that only the workspace's user can open, for as long as the connection lasts.",
      'berth:agent:udp': 'A UDP port of the workspace, on either loopback address, exchanges datagrams through the tunnel.',
      'berth:agent:speed-test': 'The agent sends or takes bytes to measure a connection, within bounds on time, bytes and how many run.',
      'berth:agent:terminal-flood': 'A terminal that writes without end leaves the echo of another one working.',
      'berth:agent:reconnecting-pty': 'A client can reconnect to a terminal and sees its earlier output.',
      'berth:agent:greeting': "A shell over SSH begins with the template's greeting, whose path may start with `~`.",
      'berth:agent:startup-script': 'The startup script runs once when the agent starts.',
      'berth:agent:reconnects': "After any interruption the agent reconnects within 2 seconds of the server's return.",
    },
  ),
  ...rows(
    { section: 'Berth: command line' },
    {
      'berth:cli:first-user': '`berth login` creates the first user if there is none.',
      'berth:cli:templates': '`berth templates init`, `create`, `push` and `list` turn a folder into a usable template.',
      'berth:cli:create': '`berth create` shows the stages of the build and ends when the workspace is running.',
      'berth:cli:stop-start-delete': '`berth stop`, `start` and `delete` change the workspace and exit with 0 if the build succeeds.',
      'berth:cli:ssh-exit-status': "`berth ssh workspace -- command` prints the command's output and exits with its status.",
      'berth:cli:json': 'With `-o json` a command prints one JSON document to standard output, and nothing else.',
      'berth:cli:questions': 'On a terminal, Berth asks for missing parameter values, and offers choices where the template has them.',
      'berth:cli:exit-status': 'A failed command exits with 1 and prints to standard error what is wrong and what to do.',
      'berth:cli:signed-out': 'Without a session a command says how to log in.',
      'berth:cli:checkout':
        'In a checkout, `bin/berth` and `pnpm berth` run the built command line if it is up to date, otherwise the sources.',
      'berth:cli:version': '`berth --version` prints what `berth version` prints.',
      'berth:cli:ssh-words': 'The words after the workspace are the remote command, its flags included.',
      'berth:cli:unknown-command': 'An unknown command is an error that names it, whatever flags surround it, `--help` included.',
      'berth:cli:refused-login': 'A wrong password, a wrong token and a session that has ended are told apart, with what to do.',
      'berth:cli:not-running': 'A command that needs a running workspace says in words what the workspace is doing and what to do.',
      'berth:cli:help-width': 'Help fits the width of the terminal.',
      'berth:cli:port-forward':
        '`berth port-forward` forwards several TCP and UDP ports at once, byte for byte, and Ctrl-C ends it with status 0.',
      'berth:cli:port-forward-list': 'Without a port, `berth port-forward` says what listens in the workspace.',
      'berth:cli:port-forward-occupied': '`berth port-forward` names a local port that is in use, and then forwards nothing.',
      'berth:cli:port-forward-reconnects':
        'Forwarded ports outlive the server and the build of the workspace: they keep listening, and new connections wait.',
      'berth:cli:port-forward-ends': 'A session that has ended, or a workspace that is deleted, ends `berth port-forward` with an error.',
      'berth:cli:ping': '`berth ping` measures round trips to the agent and to the server on the way, and names both.',
      'berth:cli:speedtest': '`berth speedtest` measures each direction, limited by time or size.',
      'berth:cli:stdio-end': '`berth ssh --stdio` ends soon after its standard input, whatever the far side does.',
      'berth:cli:start-running': '`berth start` leaves a running workspace alone, says so, exits 0 and names `berth restart`.',
      'berth:cli:ssh-terminal':
        'An interactive `berth ssh` writes the output of the workspace to the terminal unchanged, and leaves the terminal as it was.',
      'berth:cli:ssh-env': '`berth ssh --env NAME=value` sets a variable of the session.',
      'berth:cli:ssh-start': '`berth ssh` starts a workspace that is not running with `--start`, or if the user agrees on a terminal.',
      'berth:cli:ssh-autostop':
        'An interactive `berth ssh` says 30 and 5 minutes before the workspace stops that it will, and how to extend it.',
      'berth:cli:config-ssh':
        '`berth config-ssh` gives SSH clients a host for each agent of the workspaces of the user; when nothing changed, it writes nothing.',
      'berth:cli:config-ssh-openssh':
        'After `berth config-ssh`, `ssh`, `scp`, `sftp`, `rsync` and `git` work with the host `berth.<workspace>`.',
      'berth:cli:many-sessions': 'Many SSH sessions at once each get their own output.',
      'berth:cli:lost-connection': 'A lost connection ends `ssh` and `berth ssh` with 255 and an error.',
      'berth:cli:config-ssh-rest':
        '`berth config-ssh` keeps the mode of the file and every byte outside its own section, with --remove too, and follows a symbolic link.',
      'berth:cli:config-ssh-asks': '`berth config-ssh` shows what it would change and asks before it does.',
      'berth:cli:config-ssh-quoting': '`berth config-ssh` quotes paths, so that blanks and other marks reach the program.',
      'berth:cli:restart': '`berth restart` stops the workspace, then starts it, and waits for both.',
    },
  ),
  ...rows(
    { section: 'Berth: packages' },
    {
      'berth:packages:install-from-tarball': 'Each published package compiles and runs in an empty project that installs its tarball.',
      'berth:packages:readme-examples':
        'Each code example in the README of a package compiles and runs where npm or pnpm installed the packages from their tarballs.',
      'berth:packages:server-from-tarball':
        'The server of the example in its README creates a workspace and reaches it, where npm or pnpm installed the packages from their tarballs.',
      'berth:packages:browser-bundle': 'The SDK bundles for browsers without a Node built-in.',
      'berth:packages:sdk-types':
        'Importing the SDK costs a compiler that checks all libraries at most 2 500 types and 2 500 instantiations.',
      'berth:packages:openapi':
        "The OpenAPI document passes the recommended rules without errors, its examples fit their schemas, and it lists each operation's failures.",
      'berth:packages:sdk-reconnects':
        'watchWorkspace and followLogs continue after a broken connection without losing or repeating an entry.',
    },
  ),
  ...rows(
    { section: 'Berth: client library' },
    {
      'berth:sdk:short-calls':
        'The client gets a workspace by ID, name or owner/name, creates one from the name of a template, and starts, stops and deletes one, each in one short call.',
      'berth:sdk:ready':
        "The client waits until a workspace's agents are connected by following its changes. A failed build rejects with its error and its last log lines.",
      'berth:sdk:workspace-value':
        'A program opens a workspace, starting it if asked, and runs commands, talks to processes and uses files in it. A workspace that `await using` creates is deleted when the block ends.',
      'berth:sdk:ports': 'A program forwards a port of a workspace to its own machine, and asks for the URL of a port.',
      'berth:sdk:examples': 'The example programs of the client library run against a server.',
      'berth:sdk:readme': 'The examples of the client library in its README run against a server.',
    },
  ),
  ...rows(
    { section: 'Berth: processes and files in workspaces' },
    {
      'berth:exec:answer':
        "A command runs without a shell, as the workspace's user, in its folder and environment, and answers with exit code or signal, stdout and stderr.",
      'berth:exec:bounds':
        'Output beyond a limit is dropped and said to be. A command is ended, with everything that it started, when its time is up or its client leaves.',
      'berth:exec:refused': 'A command that cannot be started is 400 with the reason.',
      'berth:exec:access':
        'Processes and files of a workspace need the permission to execute in it: strangers get 404, and 428 is the answer unless the agent is connected.',
      'berth:exec:audited': 'The audit log records each command without its arguments, and each change of a file.',
      'berth:processes:socket':
        'A socket starts a process, carries stdin, stdout and stderr, signals and sizes of its terminal, and says how it ended.',
      'berth:processes:attach':
        'A detached process goes on without clients. Each client that attaches by its ID sees the last output, or what came after the bytes that it has seen.',
      'berth:processes:ended': 'A process that is not detached ends when its last client leaves. A removed one ends at once.',
      'berth:processes:bounds':
        'A client that reads nothing holds back the process and costs a bounded amount of memory. The number of processes is limited.',
      'berth:files:content': 'A file is read and written as a stream of bytes. A write that breaks off changes nothing.',
      'berth:files:folders': 'Folders are listed in pages, made, renamed and removed; files are described.',
      'berth:files:refused':
        'A path that is missing, forbidden, in the way or impossible is refused with a status of its own and the path.',
      'berth:files:watch': 'A watch tells which paths in a folder changed. During a flood it tells that there were more.',
      'berth:files:hostile-agent': 'Whatever an agent answers, the call fails with 502 or ends, and the server goes on.',
    },
  ),
  ...rows(
    { section: 'Berth: watching' },
    {
      'berth:watch:start': 'During a start a watcher gets every change in order until the agent is connected.',
    },
  ),
  ...rows(
    { section: 'Berth: records' },
    {
      'berth:records:who-when-where': 'Each write records who made it, when, and from which address.',
    },
  ),
  ...rows(
    { section: 'Berth: sessions' },
    {
      'berth:sessions:end-connections':
        'When a user signs out, loses a key, gets a new password, is suspended or is deleted, the WebSockets and event streams of the affected keys end on every server; all others stay open.',
    },
  ),
  ...rows(
    { section: 'Berth: secrets' },
    {
      'berth:secrets:at-rest': 'Provisioner state, git keys, git tokens and parameter values are encrypted in the database.',
      'berth:secrets:sensitive-values':
        'A value of a sensitive parameter or sensitive metadata is in no table, log, answer or audit entry, nor in the arguments of a process; only the agent receives it.',
      'berth:secrets:wrong-key': "A server whose key doesn't match the database refuses to start and says what to do.",
      'berth:secrets:rotation': 'A command re-encrypts all secrets, including those stored in clear text, while the server runs.',
    },
  ),
  ...rows(
    { section: 'Berth: limits' },
    {
      'limits:fields':
        'Every text, list, map and number that a client or an agent sends has a bound. What exceeds it is 400 with the field and the limit.',
      'limits:file-quota':
        'Uploads that no template version uses are limited for each user in number and size, also when many arrive at once: 403 with both limits. The settings say how many.',
      'limits:unused-files': 'An uploaded file that no template version uses is deleted 7 days after its last upload.',
      'limits:json-bodies':
        'A JSON body has at most 1 MiB, or 16 MiB where it carries parameter values or the state of a provisioner. A larger one is 413 with the limit, and is not read to its end.',
    },
  ),
]
