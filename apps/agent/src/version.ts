import packageJson from '../package.json' with { type: 'json' }

/**
 * The agent's version as the server expects it: a semantic version with a leading `v` (Coder v2
 * API, v0.13.4).
 */
export const agentVersion = `v${packageJson.version}`
