/** A setting that cannot be used. The message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(message: string, options?: ErrorOptions) {
    // What was written may hold line breaks; what is said of it stays one line.
    super(message.replace(/\s+/g, ' '), options)
  }
}
