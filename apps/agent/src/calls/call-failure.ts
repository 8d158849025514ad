import type { AgentCallFailure } from '@berth/schema'

/** A call that the agent refuses. The server answers its client with the failure of this code. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  readonly code: AgentCallFailure

  constructor(code: AgentCallFailure, message: string) {
    super(message)
    this.code = code
  }
}
