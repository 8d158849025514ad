import { isGroup, list, text, toggle, type Command, type CommandGroup, type Flag } from './command.ts'
import { UsageError } from './failures.ts'

/** The flags that every command has. */
export const globalFlags = {
  url: text('Address of the deployment', { variable: 'URL', placeholder: 'url' }),
  token: text('Session token', { variable: 'SESSION_TOKEN', placeholder: 'token' }),
  globalConfig: text('Folder with the session', { variable: 'CONFIG_DIR', placeholder: 'folder', completes: 'folders' }),
  header: list('Send a header with every request, as Name=Value; can be repeated', { placeholder: 'header' }),
  verbose: toggle('Say more about errors', { short: 'v', variable: 'VERBOSE' }),
  noColor: toggle('Print without colours'),
  noVersionWarning: toggle('Accepted for compatibility', { hidden: true, variable: 'NO_VERSION_WARNING' }),
  noFeatureWarning: toggle('Accepted for compatibility', { hidden: true, variable: 'NO_FEATURE_WARNING' }),
} as const

/** Asks for help instead of running the command. */
export const helpFlag = { help: toggle('Show this help', { short: 'h' }) } as const

/** Flags by key. */
export type AnyFlags = Readonly<Record<string, Flag<unknown>>>

/** Returns every flag that a command or group accepts. */
export function flagsOf(node: Command | CommandGroup): AnyFlags {
  return { ...(isGroup(node) ? {} : node.flags), ...globalFlags, ...helpFlag }
}

/** Values of {@link globalFlags}. */
export interface Settings {
  readonly url: string | undefined
  readonly token: string | undefined
  readonly globalConfig: string | undefined
  readonly header: readonly string[]
  readonly verbose: boolean
  readonly noColor: boolean
}

/** Splits `Name=Value`; the value may hold further equals signs. */
export function headersOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const split = pair.indexOf('=')
      const name = pair.slice(0, split).trim()
      if (split < 1 || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new UsageError(`--header takes Name=Value, not "${pair}".`)
      return [name, pair.slice(split + 1).trim()]
    }),
  )
}
