import { ProvisionError } from '../../../../driver.ts'
import type { Confine } from './confined-program.ts'
import { findProgram, insideSandbox, sandboxWays, tryLaunch, type Launch, type SandboxPlan, type SandboxWay } from './sandbox.ts'

/** Whether workspaces run in a sandbox. */
export type SandboxSetting = 'auto' | 'bubblewrap' | 'off'

/** The sandbox of an agent. */
export interface ChosenSandbox {
  /** A line for the build log. */
  readonly description: string
  /**
   * Wraps and confines a program, given by its paths inside the sandbox. Absent if there is no
   * sandbox.
   */
  readonly launch?: (program: readonly string[]) => Promise<Launch>
}

type Finding = { readonly bubblewrapPath: string; readonly way: SandboxWay } | { readonly reason: string }

const notInstalled = 'bubblewrap is not installed'
const doesNotWork = (failure: string): string => `bubblewrap does not work here: ${failure}`

/** Finds out whether and how this machine can run a sandbox, by trying once. */
export class SandboxChoice {
  readonly #setting: SandboxSetting
  readonly #searchPath: string
  readonly #isRoot: boolean
  #found: Finding | undefined

  constructor(options: { readonly sandbox: SandboxSetting; readonly searchPath: string; readonly isRoot: boolean }) {
    this.#setting = options.sandbox
    this.#searchPath = options.searchPath
    this.#isRoot = options.isRoot
  }

  /** Throws `ProvisionError` if the setting requires a sandbox and there can be none. */
  async choose(options: {
    readonly uid: number | undefined
    readonly plan: Omit<SandboxPlan, 'bubblewrapPath'>
    readonly confine: Confine
    /** Returns how to start the sandbox in the network of the workspace. */
    readonly around: (launch: Launch) => Launch
    /** Creates the files that the plan names. */
    readonly prepare: () => Promise<void>
  }): Promise<ChosenSandbox> {
    const { uid, plan, confine, around, prepare } = options
    if (this.#setting === 'off') return { description: 'Sandbox: none (turned off)' }
    await prepare()
    this.#found ??= await this.#find({ uid, plan, confine, around })
    if ('reason' in this.#found) {
      if (this.#setting === 'auto') return { description: `Sandbox: none (${this.#found.reason})` }
      throw new ProvisionError(
        `can't run the workspace in a sandbox: ${this.#found.reason}; install bubblewrap or change the sandbox setting`,
      )
    }
    const { bubblewrapPath, way } = this.#found
    return {
      description: 'Sandbox: bubblewrap',
      launch: async (program) => around(await way.launch({ plan: { ...plan, bubblewrapPath }, uid, program: confine(program) })),
    }
  }

  async #find({
    uid,
    plan,
    confine,
    around,
  }: {
    readonly uid: number | undefined
    readonly plan: Omit<SandboxPlan, 'bubblewrapPath'>
    readonly confine: Confine
    readonly around: (launch: Launch) => Launch
  }): Promise<Finding> {
    const bubblewrapPath = await findProgram('bwrap', this.#searchPath)
    if (bubblewrapPath === undefined) return { reason: notInstalled }
    const setprivPath = this.#isRoot ? await findProgram('setpriv', this.#searchPath) : undefined
    let reason = ''
    for (const way of sandboxWays(setprivPath)) {
      const program = confine([insideSandbox.nodePath, '--check', `${insideSandbox.agentDirectory}/main.js`])
      const failure = await tryLaunch(around(await way.launch({ plan: { ...plan, bubblewrapPath }, uid, program })))
      if (failure === undefined) return { bubblewrapPath, way }
      reason ||= doesNotWork(failure)
    }
    return { reason }
  }
}

/**
 * Returns what keeps bubblewrap from working on this machine; undefined if a trial succeeds.
 *
 * @param searchPath The PATH that is searched for bubblewrap.
 */
export async function findSandboxFault(searchPath: string): Promise<string | undefined> {
  const command = await findProgram('bwrap', searchPath)
  if (command === undefined) return notInstalled
  let fault: string | undefined
  // The two ways in which workspaces are started, see sandboxWays.
  for (const namespace of [['--unshare-user'], []]) {
    const trial = [...namespace, '--unshare-pid', '--ro-bind', '/', '/', '--', process.execPath, '--version']
    const failure = await tryLaunch({ command, arguments: trial })
    if (failure === undefined) return undefined
    fault ??= doesNotWork(failure)
  }
  return fault
}
