import { rows } from '../row.ts'

/** What Berth promises beyond the wire of templates, jobs and where workspaces run. */
export const berthBuilds = [
  ...rows(
    { section: 'Berth: jobs' },
    {
      'berth:jobs:one-worker': 'When many workers ask at once, exactly one gets a job.',
      'berth:jobs:matched': 'A worker only gets jobs whose provisioner type it serves and whose tags it has.',
      'berth:jobs:woken': 'A new job wakes a waiting worker, which does not wait for its next poll.',
      'berth:jobs:lease': 'A job whose worker has been silent for 30 seconds fails in the database with a reason.',
      'berth:jobs:foreign-worker': 'Only the worker that holds a job can update, fail or complete it.',
      'berth:jobs:cancel': 'Canceling a running job notifies its worker, and the job ends as canceled or failed.',
      'berth:jobs:restart-recovery':
        'After kill -9 of the server during a build, the restarted server finishes or fails the build within 30 seconds, and the workspace is usable.',
    },
  ),
  ...rows(
    { section: 'Berth: local runtime' },
    {
      'berth:local:home-persists': 'The home directory is unchanged after a stop and a start.',
      'berth:local:stop-leaves-no-process':
        'After a stop build no process of the workspace is left, not even one that left its process group.',
      'berth:local:stop-in-bounded-time':
        'A stop takes as long as the processes of a workspace may take to end, and little more, however many there are and whatever they ignore.',
      'berth:local:delete-removes-home': 'A delete build removes the home directory.',
      'berth:local:agent-killed': 'An agent that is killed is disconnected at once. No file is lost, and a restart brings it back.',
      'berth:local:agent-survives-server': 'The agent outlives the server and reconnects within 2 seconds of its return.',
      'berth:local:no-server-secrets': 'A workspace inherits no environment variables, file descriptors or secrets of the server.',
      'berth:local:unprivileged': 'If Berth runs as root, a workspace runs under an unprivileged uid.',
      'berth:local:sandboxed': 'Where bubblewrap works, a workspace only sees its own home directory and its own processes.',
      'berth:local:no-descriptors': 'A workspace has descriptors 0 to 2 only, whatever the server was started with.',
      'berth:local:limits': 'Settings limit the processes, open files, file sizes and memory of local workspaces; 0 stands for no limit.',
      'berth:local:isolated-network':
        'With BERTH_LOCAL_NETWORK=isolated a local workspace reaches the server and nothing else, with and without bubblewrap, and does not start where that is not possible.',
      'berth:local:named':
        "Where Berth runs as root, a workspace's uid has its owner's name, in a sandbox or with libnss-wrapper; the build log says where it has none.",
    },
  ),
  ...rows(
    { section: 'Berth: kubernetes runtime' },
    {
      'berth:kubernetes:workspace':
        'On a cluster, a pod fetches its agent from the server, SSH reaches it, and its home directory is unchanged after a stop and a start.',
      'berth:kubernetes:imported': 'A server in a pod imports the kubernetes template for its own namespace, and workspaces run there.',
      'berth:kubernetes:lifecycle':
        'A start creates a deployment and a volume, another start replaces the pod, a stop keeps the volume, and a delete removes it.',
      'berth:kubernetes:node-lost': 'A lost pod is replaced, and its agent reconnects.',
      'berth:kubernetes:orphan': 'A delete without state ends the pod and keeps the volume.',
      'berth:kubernetes:moved':
        'If the template changes its namespace, nothing keeps running in the old one, and a delete removes both home volumes.',
      'berth:kubernetes:failed-start': "A failed start reports the cluster's reason, leaves nothing running, and keeps the state.",
      'berth:kubernetes:refused': 'If the cluster refuses to create the pod, the build fails at once.',
      'berth:kubernetes:canceled': 'A canceled start leaves nothing running.',
      'berth:kubernetes:rights': "The permissions listed in the template's README are sufficient.",
      'berth:kubernetes:least-rights':
        'Unless the template asks for it, a pod gets no privilege that the restricted Pod Security Standard forbids.',
      'berth:kubernetes:unreachable': 'An unreachable cluster and one that refuses access have different errors, each with what to do.',
      'berth:kubernetes:access-url': 'An access URL that no pod can reach is refused before anything is created.',
      'berth:kubernetes:template-scope': 'A user who creates a workspace cannot set a parameter of scope template.',
    },
  ),
  ...rows(
    { section: 'Berth: templates' },
    {
      'berth:templates:icons': 'The server has every icon that a starter template names.',
      'berth:templates:interpolation': 'A build fills parameters and the workspace name into the template.',
      'berth:templates:error-position': 'An error in template.yaml names the file, line and column.',
      'berth:templates:bounded':
        'A template.yaml of more than 262144 characters, nested more than 64 deep, or with more than 20000 YAML tokens, is refused.',
      'berth:templates:any-content': 'Whatever a template.yaml holds, its import succeeds or reports an error with file, line and column.',
      'berth:templates:plain-options': 'An option of a parameter may be a plain value.',
      'berth:templates:linear-regex':
        "The time that a parameter's regular expression takes is linear in the length of the value, and has a limit that does not depend on the clock.",
      'berth:templates:filled-size': 'A template whose texts are longer than 1048576 characters once filled in is refused.',
      'berth:bounded-turns':
        'The costliest template, regular expression, archive, JSON body, search or schedule holds up other work for no more than 50 ms at a time.',
      'berth:templates:echo-needs-setting': 'Echo jobs only run if the echo provisioner is enabled.',
    },
  ),
]
