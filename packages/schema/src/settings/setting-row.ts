/** What the text of a setting is. The deployment API sends a duration as nanoseconds. */
export type SettingKind = 'string' | 'bool' | 'int' | 'duration' | 'string[]' | 'gitauth[]'

/**
 * The facts about one setting. The help, the settings page and the deployment API derive from them.
 */
export interface SettingRow {
  /** Keys that lead to it in `server.yaml` and, if it has a label, in the deployment API. */
  readonly path: string
  readonly kind: SettingKind
  /** Without dashes. Absent: the path with hyphens. Empty: it has no flag. */
  readonly flag?: string
  /** One letter. */
  readonly shorthand?: string
  /** As an administrator would write it. Absent: empty. */
  readonly default?: string
  /** Full sentences. `deployment-settings.ts` adds choices, fields and availability. */
  readonly usage: string
  /** The only texts that it accepts; for a list, the only items. */
  readonly choices?: readonly string[]
  /** Smallest and largest number that it accepts. */
  readonly range?: readonly [least: number, most: number]
  /** Fields of each item, which variables name as `BERTH_<NAME>_<n>_<FIELD>`. */
  readonly fields?: readonly string[]
  /** An empty flag or key means "none" instead of the default. */
  readonly canBeEmpty?: true
  /** Its name in the deployment API. Absent: that API doesn't show it. */
  readonly label?: string
  /** Dashboards leave it out. */
  readonly hidden?: true
  readonly enterprise?: true
  /** Its value is never shown. */
  readonly secret?: true
  /** Berth doesn't have it: the server refuses anything but the default. */
  readonly unavailable?: true
}

export type SettingRows = Readonly<Record<string, SettingRow>>
