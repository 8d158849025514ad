/** Values that make a log line useful; never a token, never the content of a session. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Logger {
  info: (message: string, fields?: LogFields) => void
  warn: (message: string, fields?: LogFields) => void
  error: (message: string, fields?: LogFields) => void
}

/** One JSON object a line. */
export function createLogger(write: (line: string) => void, now: () => Date = () => new Date()): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      write(`${JSON.stringify({ time: now().toISOString(), level, message, ...fields })}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** What to log of something thrown. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // fetch hides the interesting half in the cause.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
