/** A setting that cannot be used. Its message is one line that names the setting. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(message: string, options?: ErrorOptions) {
    // The message may quote a text with line breaks.
    super(message.replace(/\s+/g, ' '), options)
  }
}
