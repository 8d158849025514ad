import type { AgentTarget, TunnelStream } from '@berth/tunnel'
import { CommandError } from '../failures.ts'
import { addressOf, type Forward } from './port-specs.ts'

/** A local port that is forwarded. */
export interface Listening {
  /** The local address and port, such as `127.0.0.1:8080`. */
  readonly address: string
  /** Stops listening and ends the connections. */
  close(): void
}

/** What a forward needs of its workspace. */
export interface ForwardOptions {
  readonly dial: (target: AgentTarget, signal: AbortSignal) => Promise<TunnelStream>
  /** Called with what goes wrong with connections, in a sentence. */
  readonly note: (text: string) => void
}

/** Describes why a local port can't be listened on. */
export function listenError(error: NodeJS.ErrnoException, forward: Forward): CommandError {
  const { host, localPort, remotePort, network } = forward
  const help = `Choose another local port: '--${network} 0:${remotePort}' takes any free one.`
  if (error.code === 'EADDRINUSE')
    return new CommandError(`Another program uses the local ${network.toUpperCase()} port ${localPort} of ${host}.`, { help, cause: error })
  if (error.code === 'EACCES')
    return new CommandError(`You may not listen on the local ${network.toUpperCase()} port ${localPort} of ${host}.`, {
      help,
      cause: error,
    })
  return new CommandError(`Can't listen on ${addressOf(forward)}: ${error.message}`, { cause: error })
}

/** Returns a `note` that leaves out a text that it has just been given. */
export function withoutRepeats(note: (text: string) => void): (text: string) => void {
  let last: string | undefined
  return (text) => {
    if (text !== last) note(text)
    last = text
  }
}
