import { isDeepStrictEqual } from 'node:util'
import { deploymentSettings, settingName, type DeploymentSetting } from '@berth/schema'
import { DurationError, WireValueError, parseBool, parseDuration } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'

/** A setting as the deployment has it, in the types of the wire: durations are nanoseconds. */
export interface DeploymentValue {
  readonly setting: DeploymentSetting
  readonly default: unknown
  readonly value: unknown
}

interface Sources {
  /** Name of each setting that the server reads, with its default as it would be written. */
  readonly served: ReadonlyMap<string, string>
  /** What was written for a setting and where; undefined: nothing. */
  readonly find: (setting: {
    readonly name: string
    readonly flag: string
  }) => { readonly source: string; readonly text: string } | undefined
}

const NANOSECONDS = 1_000_000
/** Read from numbered variables, by what uses it. */
const READ_ELSEWHERE = 'gitauth'

/**
 * Reads every setting that the deployment configuration lists (Coder v2 API, v0.13.4).
 *
 * @throws ConfigError for one that Berth does not have and that is not at its default: what somebody relies on is not left out in silence.
 */
export function readDeploymentValues({ served, find }: Sources): DeploymentValue[] {
  return deploymentSettings.map((setting) => {
    const name = settingName(setting)
    const standard = valueOf(setting, served.get(name) ?? setting.default)
    const found = setting.path === READ_ELSEWHERE ? undefined : find({ name, flag: setting.flag })
    if (found === undefined || found.text === '') return { setting, default: standard, value: standard }
    const value = readValue(setting, found)
    if (!served.has(name) && !isDeepStrictEqual(value, standard))
      throw new ConfigError(
        `${found.source} cannot be used: Berth does not have ${JSON.stringify(setting.label)}. Remove the setting${setting.default === '' ? '' : `, or write ${setting.default}`}.`,
      )
    return { setting, default: standard, value }
  })
}

/** All of them as flags; a switch may stand without a value. */
export function deploymentFlags(): { name: string; flag: string; read: (text: string) => unknown }[] {
  return deploymentSettings
    .filter(({ flag }) => flag !== '')
    .map((setting) => ({
      name: settingName(setting),
      flag: setting.flag,
      read: setting.type === 'bool' ? parseBool : (text: string) => valueOf(setting, text),
    }))
}

function readValue(setting: DeploymentSetting, { source, text }: { readonly source: string; readonly text: string }): unknown {
  try {
    return valueOf(setting, text)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof WireValueError || error instanceof DurationError)) throw error
    throw new ConfigError(`${source} cannot be used: ${error.message}`, { cause: error })
  }
}

function valueOf({ type, path }: DeploymentSetting, text: string): unknown {
  switch (type) {
    case 'bool':
      return parseBool(text)
    case 'int':
      if (!/^-?\d{1,9}$/.test(text)) throw new ConfigError(`${path} is not a whole number.`)
      return Number(text)
    case 'duration':
      return parseDuration(text) * NANOSECONDS
    case 'string[]':
      return text.split(/[\s,]+/).filter((word) => word !== '')
    case 'gitauth[]':
      return []
    default:
      return text
  }
}
