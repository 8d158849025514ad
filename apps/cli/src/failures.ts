/**
 * Errors shown to users.
 * @module
 */

/** An error whose text explains it in full. No stack is shown. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  /** What to do about it, as a sentence. */
  readonly help: string | undefined

  constructor(message: string, options: { readonly help?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.help = options.help
  }
}

/** The typed words aren't valid. The runner adds where to find help. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError'
}

/** The user declined, or pressed Ctrl-C. The program exits with 1 and prints nothing. */
export class Canceled extends Error {
  override readonly name = 'Canceled'

  constructor() {
    super('Canceled')
  }
}

/** Says how to get a session (Coder v2 API, v0.13.4: CLI). */
export function loginHint(url = '<url>'): string {
  return `Try logging in using 'berth login ${url}'.`
}

/** The command needs a session, and there is none. */
export class NotLoggedIn extends CommandError {
  override readonly name = 'NotLoggedIn'

  constructor() {
    super(`You are not logged in. ${loginHint()}`)
  }
}

/** Returns the text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
