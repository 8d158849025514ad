import { ProvisionError } from '../../../../driver.ts'
import { findProgram, insideSandbox, sandboxWays, tryLaunch, type Launch, type SandboxPlan, type SandboxWay } from './sandbox.ts'

/** Whether workspaces are sandboxed. */
export type SandboxSetting = 'auto' | 'bubblewrap' | 'off'

/** How one agent is started. */
export interface ChosenSandbox {
  /** For the log of the build. */
  readonly description: string
  /** Wraps a program, named by its paths inside the sandbox; absent: no sandbox. */
  readonly launch?: (program: readonly string[]) => Promise<Launch>
}

type Finding = { readonly bubblewrapPath: string; readonly way: SandboxWay } | { readonly reason: string }

/** Finds out once whether and how a sandbox can be made on this machine, by making one. */
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

  /** Throws `ProvisionError` where a sandbox is asked for and can't be made. */
  async choose(options: {
    readonly uid: number | undefined
    readonly plan: Omit<SandboxPlan, 'bubblewrapPath'>
    /** Makes what the plan names. */
    readonly prepare: () => Promise<void>
  }): Promise<ChosenSandbox> {
    const { uid, plan, prepare } = options
    if (this.#setting === 'off') return { description: 'Sandbox: none (switched off)' }
    await prepare()
    this.#found ??= await this.#find({ uid, plan })
    if ('reason' in this.#found) {
      if (this.#setting === 'auto') return { description: `Sandbox: none (${this.#found.reason})` }
      throw new ProvisionError(
        `the workspace can't be sandboxed: ${this.#found.reason}; install bubblewrap or choose another sandbox setting`,
      )
    }
    const { bubblewrapPath, way } = this.#found
    return {
      description: 'Sandbox: bubblewrap',
      launch: async (program) => await way.launch({ plan: { ...plan, bubblewrapPath }, uid, program }),
    }
  }

  async #find({ uid, plan }: { readonly uid: number | undefined; readonly plan: Omit<SandboxPlan, 'bubblewrapPath'> }): Promise<Finding> {
    const bubblewrapPath = await findProgram('bwrap', this.#searchPath)
    if (bubblewrapPath === undefined) return { reason: 'bubblewrap is not installed' }
    const setprivPath = this.#isRoot ? await findProgram('setpriv', this.#searchPath) : undefined
    let reason = ''
    for (const way of sandboxWays(setprivPath)) {
      const failure = await tryLaunch(
        await way.launch({
          plan: { ...plan, bubblewrapPath },
          uid,
          program: [insideSandbox.nodePath, '--check', `${insideSandbox.agentDirectory}/main.js`],
        }),
      )
      if (failure === undefined) return { bubblewrapPath, way }
      reason ||= `bubblewrap does not work here: ${failure}`
    }
    return { reason }
  }
}
