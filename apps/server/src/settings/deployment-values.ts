import { isDeepStrictEqual } from 'node:util'
import { deploymentSettings, settingName, type DeploymentSetting } from '@berth/schema'
import { DurationError, WireValueError, parseBool, parseDuration } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import type { Flag } from './flags.ts'
import type { Given } from './given-settings.ts'
import type { Setting } from './setting.ts'

/** A setting as the deployment has it, in the types of the wire: durations are nanoseconds. */
export interface DeploymentValue {
  readonly setting: DeploymentSetting
  readonly default: unknown
  readonly value: unknown
}

interface Sources {
  /** Every setting that the server reads, by its name. */
  readonly served: ReadonlyMap<string, Setting<unknown>>
  /** What was written for a setting and where; undefined: nothing. */
  readonly find: (setting: { readonly name: string; readonly flag: string }) => Given | undefined
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
    const row = served.get(name)
    const standard = valueOf(setting, row?.default ?? setting.default)
    const found = setting.path === READ_ELSEWHERE ? undefined : find({ name, flag: setting.flag })
    if (found === undefined || (found.text === '' && row?.readsEmpty !== true)) return { setting, default: standard, value: standard }
    const value = readValue(setting, found)
    if (row === undefined && !isDeepStrictEqual(value, standard))
      throw new ConfigError(
        `${found.source} cannot be used: Berth does not have ${JSON.stringify(setting.label)}. Remove the setting${setting.default === '' ? '' : `, or write ${setting.default}`}.`,
      )
    return { setting, default: standard, value }
  })
}

/** All of them as flags; a switch may stand without a value. */
export function deploymentFlags(): Flag[] {
  return deploymentSettings
    .filter(({ flag }) => flag !== '')
    .map((setting) => ({
      name: settingName(setting),
      flag: setting.flag,
      shorthand: setting.shorthand,
      read: setting.type === 'bool' ? parseBool : (text: string) => valueOf(setting, text),
    }))
}

function readValue(setting: DeploymentSetting, { source, text }: Given): unknown {
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
