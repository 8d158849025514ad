/**
 * The one table of settings. `--help`, the settings page, shell completion, `server.yaml` and the
 * deployment API (Coder v2 API, v0.13.4) derive from it.
 * @module
 */
import { agentSettings } from './agents.ts'
import { buildSettings } from './builds.ts'
import { networkSettings } from './network.ts'
import { operationSettings } from './operation.ts'
import { relaySettings } from './relay.ts'
import type { SettingKind, SettingRow, SettingRows } from './setting-row.ts'
import { signInSettings } from './sign-in.ts'
import { storageSettings } from './storage.ts'

/**
 * The table, by the headings under which people read it. A key is the name that the server's
 * configuration gives the value.
 */
const tables = {
  Network: networkSettings,
  Storage: storageSettings,
  'Sign-in': signInSettings,
  Builds: buildSettings,
  Agents: agentSettings,
  Relay: relaySettings,
  Operation: operationSettings,
} as const
type Table = (typeof tables)[keyof typeof tables]

type KeyIn<Rows> = Rows extends unknown ? keyof Rows : never
type RowIn<Rows, Key extends PropertyKey> = Rows extends Readonly<Record<Key, infer Row>> ? Row : never
export type SettingKey = KeyIn<Table>
/** The row of a setting, as literally as it is written. */
export type SettingRowAt<Key extends SettingKey> = RowIn<Table, Key>

/** A setting with everything that follows from its row. */
export interface Setting {
  readonly key: SettingKey
  /**
   * Keys that lead to it in `server.yaml` and in the deployment API, for example
   * `derp.server.region_id`.
   */
  readonly path: string
  /** Its environment variable without the prefix `BERTH_` or `CODER_`. */
  readonly name: string
  /** Its environment variable, or the pattern of its numbered variables. */
  readonly variable: string
  /** Without dashes. Empty: it has no flag. */
  readonly flag: string
  /** One letter. Empty: it has none. */
  readonly shorthand: string
  readonly kind: SettingKind
  /** As an administrator would write it. */
  readonly default: string
  /** One wording for `--help`, the settings page and the deployment API. */
  readonly usage: string
  readonly choices: readonly string[] | undefined
  readonly range: readonly [least: number, most: number] | undefined
  /** Of each item of a setting that numbered variables give. */
  readonly fields: readonly string[] | undefined
  readonly canBeEmpty: boolean
  /** Its name in the deployment API. Undefined: that API doesn't show it. */
  readonly label: string | undefined
  readonly hidden: boolean
  readonly enterprise: boolean
  /** Its value is never shown. */
  readonly secret: boolean
  /** Berth doesn't have it: the server refuses anything but the default. */
  readonly unavailable: boolean
}

/** A setting that the deployment API shows. */
export interface DeploymentSetting extends Setting {
  readonly label: string
}

/** All settings by key, in the order in which people read them. */
export const settings: Readonly<Record<SettingKey, Setting>> = completeAll(
  Object.values<SettingRows>(tables).flatMap((rows) => Object.entries(rows)),
)

/** The same settings below their headings. */
export const settingSections: readonly { readonly title: string; readonly settings: readonly Setting[] }[] = Object.entries<SettingRows>(
  tables,
).map(([title, rows]) => ({ title, settings: Object.values(settings).filter(({ key }) => key in rows) }))

/** Those that the deployment API shows. */
export const deploymentSettings: readonly DeploymentSetting[] = Object.values(settings).filter(
  (setting): setting is DeploymentSetting => setting.label !== undefined,
)

function completeAll(rows: readonly (readonly [key: string, row: SettingRow])[]): Record<SettingKey, Setting> {
  // The rows of the tables have these keys and no others.
  return Object.fromEntries(rows.map(([key, row]) => [key, complete(key as SettingKey, row)])) as Record<SettingKey, Setting>
}

function complete(key: SettingKey, row: SettingRow): Setting {
  const name = row.path.toUpperCase().replaceAll('.', '_')
  return {
    key,
    path: row.path,
    name,
    variable: variableOf(name, row),
    flag: row.flag ?? name.toLowerCase().replaceAll('_', '-'),
    shorthand: row.shorthand ?? '',
    kind: row.kind,
    default: row.default ?? '',
    usage: usageOf(name, row),
    choices: row.choices,
    range: row.range,
    fields: row.fields,
    canBeEmpty: row.canBeEmpty ?? false,
    label: row.label,
    hidden: row.hidden ?? false,
    enterprise: row.enterprise ?? false,
    secret: row.secret ?? false,
    unavailable: row.unavailable ?? false,
  }
}

function variableOf(name: string, { fields }: SettingRow): string {
  return `BERTH_${name}${fields === undefined ? '' : '_<n>_<FIELD>'}`
}

function usageOf(name: string, row: SettingRow): string {
  const { usage, kind, choices, fields, unavailable } = row
  const sentences = [
    usage,
    choices && `${kind === 'string' ? 'One' : 'Any'} of: ${choices.join(', ')}.`,
    fields && `Set ${variableOf(name, row)}, where FIELD is one of ${fields.join(', ')}.`,
    unavailable && 'Not available in Berth: only the default is accepted.',
  ]
  return sentences.filter((sentence) => typeof sentence === 'string').join(' ')
}
