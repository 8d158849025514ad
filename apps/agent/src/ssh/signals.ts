/** The signals that an SSH client may send, by their SSH names (RFC 4254, 6.10). */
const names = new Set(['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2'])

/**
 * Returns the system's name of a client's signal, with or without SIG; undefined for an unknown
 * one.
 */
export function signalOfClient(name: string): NodeJS.Signals | undefined {
  const bare = name.toUpperCase().replace(/^SIG/, '')
  return names.has(bare) ? (`SIG${bare}` as NodeJS.Signals) : undefined
}
