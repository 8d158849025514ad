/**
 * Errors that people see.
 * @module
 */

/** Something went wrong that the text explains in full; no stack is shown. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  /** What to do about it, as its own sentence. */
  readonly help: string | undefined

  constructor(message: string, options: { readonly help?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.help = options.help
  }
}

/** The words that were typed cannot be understood; the runner adds where help is. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError'
}

/** The user said no, or pressed Ctrl-C: exit code 1 and not a word. */
export class Canceled extends Error {
  override readonly name = 'Canceled'

  constructor() {
    super('Canceled')
  }
}

/** There is no session to act with. */
export class NotLoggedIn extends CommandError {
  override readonly name = 'NotLoggedIn'

  constructor() {
    super("You are not logged in. Try logging in using 'berth login <url>'.")
  }
}
