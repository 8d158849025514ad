/**
 * Streams between two replicas in one direction. Far more than one user may have, so that nobody
 * keeps others out.
 */
export const MAX_RELAYED_STREAMS = 20_000
/** The status with which a replica refuses the dial of an agent that it doesn't hold. */
export const NOT_HERE = 421

const RELAYED = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/(.+)$/

/** Returns how a replica asks another one for a target of an agent. */
export function relayedTarget(agentId: string, target: string): string {
  return `${agentId}/${target}`
}

/** Reads what {@link relayedTarget} returned; undefined for anything else. */
export function parseRelayedTarget(text: string): { readonly agentId: string; readonly target: string } | undefined {
  const [, agentId, target] = RELAYED.exec(text) ?? []
  return agentId === undefined || target === undefined ? undefined : { agentId, target }
}
