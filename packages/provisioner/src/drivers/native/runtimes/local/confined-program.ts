import { ProvisionError } from '../../../../driver.ts'
import { tryLaunch } from './sandbox.ts'

/** The most that a workspace may use. 0: as much as the server may. */
export interface WorkspaceLimits {
  /** Processes and threads of the workspace's uid. */
  readonly processes: number
  /** Open files of each process. */
  readonly openFiles: number
  /** The size of each file that a process writes, in MiB. */
  readonly fileSizeMiB: number
  /** The data of each process, in MiB: its heap, stacks and other private memory it can write. */
  readonly memoryMiB: number
}

/** Starts a program with limits, and without the descriptors of the server. */
export type Confine = (program: readonly string[]) => string[]

/** Shells to try. In POSIX mode all of them count file sizes in the same unit. */
const shells = [['/bin/bash', '--posix', '-p'], ['/bin/sh']]

/** Fails in shells such as dash, which know descriptors 0 to 9 only. */
const trial = 'exec 10>&- && ulimit -u >/dev/null && ulimit -d >/dev/null'

/**
 * Returns how to start the programs of a workspace: with limits, and with descriptors 0 to 2 only.
 * Throws `ProvisionError` if the machine has no shell that can do this.
 */
export async function createConfine(limits: WorkspaceLimits): Promise<Confine> {
  const script = confiningScript(limits)
  for (const [command = '', ...options] of shells) {
    if ((await tryLaunch({ command, arguments: [...options, '-c', trial] })) !== undefined) continue
    return (program) => [command, ...options, '-c', script, 'berth', ...program]
  }
  throw new ProvisionError("can't start a workspace: /bin/sh can't close descriptors above 9; install bash")
}

function confiningScript({ processes, openFiles, fileSizeMiB, memoryMiB }: WorkspaceLimits): string {
  const limits = [
    { option: 'u', value: processes },
    { option: 'n', value: openFiles },
    { option: 'f', value: fileSizeMiB * 2048 }, // blocks of 512 bytes
    { option: 'd', value: memoryMiB * 1024 }, // KiB
  ].filter(({ value }) => value > 0)
  return [
    'for path in /proc/self/fd/*; do fd=${path##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done',
    // Fails where the server's own limit is lower, which then applies.
    ...limits.map(({ option, value }) => `ulimit -${option} ${value} 2>/dev/null`),
    // Bash sets these two.
    'exec env -u SHLVL -u PWD "$@"',
  ].join('\n')
}
