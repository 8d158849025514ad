import { UsageError } from './failures.ts'
import { list, text, toggle } from './flags.ts'

/** The flags of every command. */
export const globalFlags = {
  url: text('URL of the deployment', { variable: 'URL', placeholder: 'url' }),
  token: text('Session token', { variable: 'SESSION_TOKEN', placeholder: 'token' }),
  globalConfig: text('Configuration folder', { variable: 'CONFIG_DIR', placeholder: 'folder', completes: 'folders' }),
  header: list('Header to send with every request, as Name=Value; can be repeated', { placeholder: 'header' }),
  verbose: toggle('Show more detail in errors', { short: 'v', variable: 'VERBOSE' }),
  noColor: toggle('Disable colored output'),
  noVersionWarning: toggle('Accepted for compatibility; has no effect', { hidden: true, variable: 'NO_VERSION_WARNING' }),
  noFeatureWarning: toggle('Accepted for compatibility; has no effect', { hidden: true, variable: 'NO_FEATURE_WARNING' }),
} as const

/** Shows help instead of running the command. */
export const helpFlag = { help: toggle('Show help', { short: 'h' }) } as const

/** Values of {@link globalFlags}. */
export interface Settings {
  readonly url: string | undefined
  readonly token: string | undefined
  readonly globalConfig: string | undefined
  readonly header: readonly string[]
  readonly verbose: boolean
  readonly noColor: boolean
}

/** Splits `Name=Value` at the first equals sign. */
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
