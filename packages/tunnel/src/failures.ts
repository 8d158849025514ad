/** How many bytes of UTF-8 of a refusal's message cross the tunnel. */
export const maxRefusalBytes = 4096

/** Stands in for a status that isn't one of an error. */
const badGateway = 502

/**
 * The far end refused a dial: it doesn't know the target, nothing listens there, or a limit is
 * reached.
 */
export class TunnelRefusal extends Error {
  override readonly name = 'TunnelRefusal'
  /**
   * An HTTP status from 400 to 599: 404 unknown target, 502 nothing listens there, 503 too many
   * streams.
   */
  readonly status: number

  /**
   * @param status may come from an untrusted peer: anything outside 400–599 becomes 502.
   * @param message a sentence for people; its first {@link maxRefusalBytes} bytes cross the tunnel.
   */
  constructor(status: number, message: string) {
    super(message)
    this.status = Number.isInteger(status) && status >= 400 && status <= 599 ? status : badGateway
  }
}

/**
 * The tunnel closed, and every stream in it with it. The dial can be tried again on the next
 * tunnel.
 */
export class TunnelClosed extends Error {
  override readonly name = 'TunnelClosed'
}

/**
 * The far end broke off one stream before its bytes were complete. The tunnel itself stays open.
 */
export class TunnelStreamReset extends Error {
  override readonly name = 'TunnelStreamReset'
}
