import { isDeepStrictEqual } from 'node:util'
import { deploymentSettings, type DeploymentSetting } from '@berth/schema'
import { ConfigError } from './config-error.ts'
import { findGiven, readGiven, type GivenSettings } from './given-settings.ts'
import { kindReaders } from './setting-values.ts'

/** A setting with its value, as the deployment API sends both. */
export interface DeploymentValue {
  readonly setting: DeploymentSetting
  readonly default: unknown
  readonly value: unknown
}

const NANOSECONDS_PER_MS = 1_000_000

/**
 * Reads every setting that the deployment API shows (Coder v2 API, v0.13.4).
 *
 * @throws ConfigError for a setting that Berth doesn't have and that is not at its default, because
 *   an administrator may rely on it.
 */
export function readDeploymentValues(given: GivenSettings): DeploymentValue[] {
  return deploymentSettings.map((setting) => {
    const standard = wireValue(setting, setting.default)
    if (setting.kind === 'gitauth[]') return { setting, default: standard, value: standard }
    const value = readGiven(setting, given, (text) => wireValue(setting, text))
    const found = findGiven(setting, given)
    if (found !== undefined && setting.unavailable && !isDeepStrictEqual(value, standard)) throw unavailable(setting, found.source)
    return { setting, default: standard, value }
  })
}

function unavailable({ label, default: standard }: DeploymentSetting, source: string): ConfigError {
  const advice = `Remove the setting${standard === '' ? '' : `, or write ${standard}`}.`
  return new ConfigError(`${source} cannot be used: Berth does not have ${JSON.stringify(label)}. ${advice}`)
}

function wireValue({ kind }: DeploymentSetting, text: string): unknown {
  return kind === 'duration' ? kindReaders.duration(text) * NANOSECONDS_PER_MS : kindReaders[kind](text)
}
