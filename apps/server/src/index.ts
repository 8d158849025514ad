/**
 * The Berth control plane as a library: `createServer(config, { logger })`.
 * @module
 */
export { ConfigError } from './settings/config-error.ts'
export { configHelp } from './settings/config-help.ts'
export { readConfig, type Config, type ConfigSources } from './settings/config.ts'
export { createServer, type BerthServer, type ServerWorld } from './create-server.ts'
export type { Clock } from './clock.ts'
export { version } from './version.ts'
