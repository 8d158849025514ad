/** The far end said no to a dial: the target is unknown, nothing listens there, or a limit is reached. */
export class TunnelRefusal extends Error {
  override readonly name = 'TunnelRefusal'
  /** In the meaning of HTTP: 404 unknown target, 502 nothing answers behind it, 503 too many streams; always 400–599. */
  readonly status: number

  /** `message` is a sentence for people; its first {@link maxRefusalBytes} bytes cross the tunnel. */
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The tunnel is gone, and with it every stream in it. A dial that meets it may be tried again on the next tunnel. */
export class TunnelClosed extends Error {
  override readonly name = 'TunnelClosed'
}

/** The far end broke off this one stream before its bytes were complete; the tunnel itself still stands. */
export class TunnelStreamReset extends Error {
  override readonly name = 'TunnelStreamReset'
}

/** How much of a refusal's message is sent, in bytes of UTF-8. */
export const maxRefusalBytes = 4096
