/** The values of a log line: never a token, never the content of a session. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Logger {
  info: (message: string, fields?: LogFields) => void
  warn: (message: string, fields?: LogFields) => void
  error: (message: string, fields?: LogFields) => void
}

/** Returns a logger that writes one JSON object per line. */
export function createLogger(write: (line: string) => void, now: () => Date = () => new Date()): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      write(`${JSON.stringify({ time: now().toISOString(), level, message, ...fields })}\n`)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

/** Returns what to log of a thrown value. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // fetch keeps the useful half in the cause.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
