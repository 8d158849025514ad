/** The signals an SSH client may send, by their SSH names (RFC 4254, 6.10). */
const names = new Set(['ABRT', 'ALRM', 'FPE', 'HUP', 'ILL', 'INT', 'KILL', 'PIPE', 'QUIT', 'SEGV', 'TERM', 'USR1', 'USR2'])

/** The system's name for a signal of a client, with or without SIG; undefined when SSH knows no such signal. */
export function signalOfClient(name: string): NodeJS.Signals | undefined {
  const bare = name.toUpperCase().replace(/^SIG/, '')
  return names.has(bare) ? (`SIG${bare}` as NodeJS.Signals) : undefined
}
