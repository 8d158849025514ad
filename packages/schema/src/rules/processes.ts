const MIB = 1024 * 1024

/** How long a command of `exec` may run, in milliseconds. */
export const execTimeoutMs = { default: 60_000, max: 600_000 } as const
/** How much of each of stdout and stderr `exec` answers with, in bytes. */
export const execOutputBytes = { default: MIB, max: 4 * MIB } as const
/** How many words a command may have. */
export const maxCommandWords = 4_096
/** How many processes of one agent are kept, running ones and ended ones together. */
export const maxProcesses = 100
/** How many of the last bytes of a process's output are kept for clients that attach later. */
export const processReplayBytes = 256 * 1024
/** How long an ended process is kept, in milliseconds. */
export const endedProcessKeptMs = 10 * 60_000
/** The longest message of a process's socket, in bytes. */
export const maxProcessMessageBytes = MIB
/**
 * The first byte of each binary message of a process's socket. `control` is JSON, which travels as
 * text on sockets.
 */
export const processChannels = { stdin: 0, stdout: 1, stderr: 2, control: 3 } as const
