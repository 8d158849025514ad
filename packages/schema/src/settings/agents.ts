import type { SettingRows } from './setting-row.ts'

/** How agents prove who they are, stay connected, and get access to Git. */
export const agentSettings = {
  agentConnectionUpdateFrequencyMs: {
    path: 'agent_connection_update_frequency',
    kind: 'duration',
    default: '3s',
    usage: 'How often to record that an agent is connected.',
  },
  agentInactiveDisconnectTimeoutMs: {
    path: 'agent_inactive_disconnect_timeout',
    kind: 'duration',
    usage: 'How long an agent may be silent before it counts as disconnected. Default: twice agent_connection_update_frequency.',
  },
  agentStatsIntervalMs: {
    path: 'agent_stat_refresh_interval',
    flag: 'agent-stats-refresh-interval',
    kind: 'duration',
    default: '10m',
    label: 'Agent Stat Refresh Interval',
    hidden: true,
    usage: 'How often agents report their traffic.',
  },
  agentFallbackTroubleshootingUrl: {
    path: 'agent_fallback_troubleshooting_url',
    kind: 'string',
    label: 'Agent Fallback Troubleshooting URL',
    hidden: true,
    usage: 'Troubleshooting page of agents whose template names none. Default: /docs of the server.',
  },
  browserOnly: {
    path: 'browser_only',
    kind: 'bool',
    default: 'false',
    label: 'Browser Only',
    enterprise: true,
    usage: 'Let people reach workspaces from a browser only.',
  },
  sshKeygenAlgorithm: {
    path: 'ssh_keygen_algorithm',
    kind: 'string',
    default: 'ed25519',
    choices: ['ed25519', 'ecdsa', 'rsa4096'],
    label: 'SSH Keygen Algorithm',
    usage: 'Type of the SSH keys that workspaces use for Git.',
  },
  gitAuth: {
    path: 'gitauth',
    flag: '',
    kind: 'gitauth[]',
    fields: ['ID', 'TYPE', 'CLIENT_ID', 'CLIENT_SECRET', 'AUTH_URL', 'TOKEN_URL', 'VALIDATE_URL', 'REGEX', 'NO_REFRESH', 'SCOPES'],
    label: 'Git Auth',
    usage: 'Git providers that people sign in to, so that Git in their workspaces gets access. Numbered from 0 without gaps.',
  },
  instanceIdentityClouds: {
    path: 'instance_identity',
    kind: 'string[]',
    choices: ['aws', 'azure', 'google'],
    usage: 'Clouds whose machines may prove their identity instead of holding an agent token.',
  },
  awsCertificatesPath: {
    path: 'instance_identity_aws_certificates',
    kind: 'string',
    usage: 'PEM file with the certificates that AWS signs identities with.',
  },
  azureCertificatesPath: {
    path: 'instance_identity_azure_certificates',
    kind: 'string',
    usage: 'PEM file with the root and intermediate certificates of Azure.',
  },
  googleKeysUrl: {
    path: 'instance_identity_google_keys',
    kind: 'string',
    default: 'https://www.googleapis.com/oauth2/v3/certs',
    usage: 'URL of the keys that Google signs identities with.',
  },
  googleAudience: {
    path: 'instance_identity_google_audience',
    kind: 'string',
    default: 'coder',
    usage: 'Audience for which machines of Google request their identity.',
  },
} as const satisfies SettingRows
