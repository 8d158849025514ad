import { delimiter, join } from 'node:path'
import { settings } from '@berth/schema'
import { ConfigError } from './config-error.ts'
import { configHelp } from './config-help.ts'
import { readDeploymentValues, type DeploymentValue } from './deployment-values.ts'
import { readFlags } from './flags.ts'
import { readGitAuthProviders, type GitAuthProvider } from './git-auth-settings.ts'
import { numberedVariables, type GivenSettings } from './given-settings.ts'
import { instanceIdentityConfig, type InstanceIdentityConfig } from './instance-identity-settings.ts'
import { listenConfig, type ListenConfig } from './listen-settings.ts'
import { readProgramSettings, type ServerSettings } from './program-settings.ts'
import { proxyConfig, type ProxyConfig } from './proxy-settings.ts'
import { readSettingValues, type SettingValues } from './setting-values.ts'
import { readSettingsFile, type SettingsFile } from './settings-file.ts'
import { signInConfig, type SignInConfig } from './sign-in-settings.ts'

/** The value of every setting, and what follows from several of them. */
export interface Config extends SettingValues, InstanceIdentityConfig, ProxyConfig, SignInConfig, ListenConfig {
  readonly dataDirectory: string
  readonly cacheDirectory: string
  readonly agentDirectory: string
  /** Whether the settings name the directory of the agent. */
  readonly isAgentDirectoryGiven: boolean
  readonly agentInactiveDisconnectTimeoutMs: number
  readonly kubeconfigPaths: readonly string[]
  /** Undefined: the server doesn't look for newer releases. */
  readonly updateCheckUrl: string | undefined
  readonly retention: Retention
  readonly fileQuota: FileQuota
  readonly gitAuthProviders: readonly GitAuthProvider[]
  /** Every setting that the deployment API shows. */
  readonly deploymentValues: readonly DeploymentValue[]
  /** Directories in which the server looks for programs such as bubblewrap: its PATH. */
  readonly searchPath: string
}

/** What a user may have of uploaded files that no template version uses. */
export interface FileQuota {
  readonly bytes: number
  readonly files: number
}

/** How long to keep records. Undefined: forever. */
export interface Retention {
  readonly jobLogsMs: number | undefined
  readonly agentStatsMs: number | undefined
  readonly auditLogMs: number | undefined
}

/** Where settings and their defaults come from. */
export interface ConfigSources {
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly userId: number | undefined
  readonly homeDirectory: string
  /** Directory of the agent that comes with the server. */
  readonly agentDirectory: string
  /** Undefined: there is none. */
  readonly settingsFile?: SettingsFile | undefined
}

/** What a program's settings don't say. */
export type ProgramSources = Omit<ConfigSources, 'arguments' | 'settingsFile'>

/** The command line asks for help. The message is the help. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested'
}

/**
 * Reads all settings.
 *
 * @throws ConfigError with one line that names the setting; HelpRequested for `--help`.
 */
export function readConfig(sources: ConfigSources): Config {
  return configOf(readSources(sources), sources)
}

/**
 * Reads the settings that a program gives. Variables of the environment such as `BERTH_DATA_DIR`
 * don't count.
 *
 * @throws ConfigError with one line that names the setting.
 */
export function readProgramConfig(settingsOfProgram: ServerSettings, sources: ProgramSources): Config {
  return configOf({ flags: new Map(), environment: {}, file: readProgramSettings(settingsOfProgram) }, sources)
}

function configOf(given: GivenSettings, sources: ProgramSources): Config {
  const values = readSettingValues(given)
  const dataDirectory = values.dataDirectory ?? defaultDataDirectory(sources)
  return {
    ...values,
    ...signInConfig(values),
    ...instanceIdentityConfig(values),
    ...proxyConfig(values),
    ...listenConfig(values),
    dataDirectory,
    cacheDirectory: values.cacheDirectory ?? join(dataDirectory, 'cache'),
    agentDirectory: values.agentDirectory ?? sources.agentDirectory,
    isAgentDirectoryGiven: values.agentDirectory !== undefined,
    agentInactiveDisconnectTimeoutMs: values.agentInactiveDisconnectTimeoutMs ?? 2 * values.agentConnectionUpdateFrequencyMs,
    kubeconfigPaths: kubeconfigPaths(values, sources),
    updateCheckUrl: updateCheckUrl(values),
    fileQuota: {
      bytes: values.fileQuotaMib === 0 ? Number.MAX_SAFE_INTEGER : values.fileQuotaMib * 1024 * 1024,
      files: values.fileQuotaCount === 0 ? Number.MAX_SAFE_INTEGER : values.fileQuotaCount,
    },
    retention: {
      jobLogsMs: values.jobLogRetentionMs,
      agentStatsMs: values.agentStatsRetentionMs,
      auditLogMs: values.auditLogRetentionMs,
    },
    gitAuthProviders: readGitAuthProviders(numberedVariables(given)),
    deploymentValues: readDeploymentValues(given),
    searchPath: sources.environment['PATH'] ?? '',
  }
}

/** Reads the flags before the settings file, so that `--help` works whatever is in the file. */
function readSources({ arguments: words, environment, settingsFile }: ConfigSources): GivenSettings {
  const all = Object.values(settings)
  const flags = readFlags(words, all)
  if (flags === undefined) throw new HelpRequested(configHelp())
  return { flags, environment, file: settingsFile === undefined ? new Map() : readSettingsFile(settingsFile, all) }
}

function defaultDataDirectory({ userId, environment, homeDirectory }: ProgramSources): string {
  // Root starts the database and the workspaces as other users, who can't enter root's home
  // directory.
  if (userId === 0) return '/var/lib/berth'
  const dataHome = environment['XDG_DATA_HOME'] || join(homeDirectory, '.local', 'share')
  return join(dataHome, 'berth')
}

/** Falls back to where every Kubernetes program looks. */
function kubeconfigPaths({ kubeconfig }: SettingValues, { environment, homeDirectory }: ProgramSources): string[] {
  const paths = (kubeconfig ?? environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  return paths.length > 0 ? paths : [join(homeDirectory, '.kube', 'config')]
}

function updateCheckUrl({ updateCheck, updateCheckUrl: url }: SettingValues): string | undefined {
  if (updateCheck && url === undefined)
    throw new ConfigError('BERTH_UPDATE_CHECK cannot be used: set BERTH_UPDATE_CHECK_URL to the URL that answers with the newest release.')
  return updateCheck ? url : undefined
}
