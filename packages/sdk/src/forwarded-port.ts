/// <reference lib="esnext.disposable" preserve="true" />
/** A port of this machine that leads to one in a workspace. */
export interface ForwardedPort {
  readonly host: string
  readonly port: number
  /** Stops listening, and cuts the connections. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Where to listen. */
export interface ForwardOptions {
  /** Default: 127.0.0.1, which only this machine reaches. */
  readonly host?: string | undefined
  /** Default: any free port. */
  readonly localPort?: number | undefined
}
