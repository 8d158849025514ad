export {
  agentTargetKind,
  defaultTerminalSize,
  formatAgentTarget,
  maxSpeedTestBytes,
  maxSpeedTestMs,
  parseAgentTarget,
  type AgentTarget,
  type SpeedTestTarget,
  type TerminalTarget,
} from './agent-target.ts'
export { answerTunnel, type AnswerOptions, type TunnelRequest } from './answer-tunnel.ts'
export { closeReasonOf, closeReasons, closeSocket, isClosedFor, type CloseReason } from './close-reason.ts'
export { DatagramStream, maxDatagramBytes } from './datagram-stream.ts'
export { dialTunnel, type DialTunnel } from './dial-tunnel.ts'
export { TunnelClosed, TunnelRefusal, TunnelStreamReset } from './failures.ts'
export { encodeFrame, FrameReader, type Frame } from './frames.ts'
export { readJsonLine, writeJsonLine } from './json-line.ts'
export { networkStream } from './network-stream.ts'
export { pipeBoth, type PipedBytes } from './pipe-both.ts'
export type { Tunnel, TunnelOptions } from './session.ts'
export { socketStream, tunnelSocketOptions } from './socket-stream.ts'
export { StreamBudget, type BudgetUse } from './stream-budget.ts'
export type { StreamCounts, TunnelStream } from './tunnel-stream.ts'
