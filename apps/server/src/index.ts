/**
 * The Berth control plane as a library: `createServer({ dataDir })`.
 * @module
 */
export { ConfigError } from './settings/config-error.ts'
export { configHelp } from './settings/config-help.ts'
export { readConfig, type Config, type ConfigSources } from './settings/config.ts'
export type { ServerSettings } from './settings/program-settings.ts'
export { createServer, type BerthServer, type ServerOptions } from './create-server.ts'
export type { Clock } from './clock.ts'
export { version } from './version.ts'
