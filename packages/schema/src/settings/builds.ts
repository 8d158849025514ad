import type { SettingRows } from './setting-row.ts'

/** How workspaces are built, and where they run. */
export const buildSettings = {
  autoImportTemplates: {
    path: 'auto_import_templates',
    flag: 'auto-import-template',
    kind: 'string[]',
    label: 'Auto Import Templates',
    hidden: true,
    usage: 'Starter templates to import when the first user is created, for example local or kubernetes.',
  },
  provisionerDaemons: {
    path: 'provisioner.daemons',
    kind: 'int',
    default: '3',
    range: [0, 100],
    label: 'Provisioner Daemons',
    usage: 'Number of built-in workers that run provisioner jobs. 0 runs none.',
  },
  provisionerPollIntervalMs: {
    path: 'provisioner.daemon_poll_interval',
    kind: 'duration',
    default: '1s',
    label: 'Poll Interval',
    usage: 'How often workers look for provisioner jobs when nothing wakes them.',
  },
  provisionerPollJitterMs: {
    path: 'provisioner.daemon_poll_jitter',
    kind: 'duration',
    default: '100ms',
    label: 'Poll Jitter',
    unavailable: true,
    usage: 'Random delay that workers add to the poll interval.',
  },
  forceCancelIntervalMs: {
    path: 'provisioner.force_cancel_interval',
    kind: 'duration',
    default: '10m',
    label: 'Force Cancel Interval',
    usage: 'How long a canceled provisioner job may take to end before it is ended by force.',
  },
  echoProvisioner: {
    path: 'echo_provisioner',
    kind: 'bool',
    default: 'false',
    usage: 'Let the built-in workers run echo jobs, and let owners write made-up entries into the audit log. For tests only.',
  },
  autobuildPollIntervalMs: {
    path: 'autobuild_poll_interval',
    kind: 'duration',
    default: '1m',
    label: 'Autobuild Poll Interval',
    hidden: true,
    usage: 'How often to look for workspaces that are due to start or stop.',
  },
  localSandbox: {
    path: 'local_sandbox',
    kind: 'string',
    default: 'auto',
    choices: ['auto', 'bubblewrap', 'off'],
    usage: 'How to confine local workspaces.',
  },
  localNetwork: {
    path: 'local_network',
    kind: 'string',
    default: 'host',
    choices: ['host', 'isolated'],
    usage:
      "Network of local workspaces: host for the machine's own, isolated for one in which a workspace reaches only the server. Isolated workspaces have no internet, and need pasta (package passt) and user namespaces.",
  },
  localProcessLimit: {
    path: 'local_process_limit',
    kind: 'int',
    default: '8192',
    range: [0, 4_194_304],
    usage:
      "Largest number of processes and threads of a local workspace. 0 means the server's own limit. Where the server doesn't run as root and workspaces aren't sandboxed, everything else that its user runs counts, too.",
  },
  localOpenFileLimit: {
    path: 'local_open_file_limit',
    kind: 'int',
    default: '65536',
    range: [0, 1_048_576],
    usage: "Largest number of files that each process of a local workspace may have open. 0 means the server's own limit.",
  },
  localFileSizeLimitMiB: {
    path: 'local_file_size_limit',
    kind: 'int',
    default: '65536',
    range: [0, 1_073_741_824],
    usage: "Largest file that a process of a local workspace may write, in MiB. 0 means the server's own limit.",
  },
  localMemoryLimitMiB: {
    path: 'local_memory_limit',
    kind: 'int',
    default: '16384',
    range: [0, 1_073_741_824],
    usage:
      "Most memory that each process of a local workspace may reserve for its data, in MiB. 0 means the server's own limit, which programs need that reserve far more than they use, such as those built with AddressSanitizer.",
  },
  kubeconfig: {
    path: 'kubeconfig',
    kind: 'string',
    usage: "Kubeconfig files used when a template doesn't name one, separated by colons. Default: $KUBECONFIG, then ~/.kube/config.",
  },
  agentDirectory: {
    path: 'agent_directory',
    kind: 'string',
    usage: 'Directory of the built agent that local workspaces run. Default: the agent that comes with the server.',
  },
} as const satisfies SettingRows
