import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { wireArchitecture } from '../../../../architecture.ts'
import { ProvisionError, type ProvisionMetadata } from '../../../../driver.ts'
import type { Agent } from '../../../../resources.ts'
import { readRuntimeState, writeRuntimeState } from '../runtime-state.ts'
import type { Runtime, RuntimeRequest, RuntimeStart } from '../runtime.ts'
import { nameAccount, writeSandboxAccounts } from './accounts.ts'
import { agentEnvironment, accountName } from './agent-environment.ts'
import { createConfine, type Confine, type WorkspaceLimits } from './confined-program.ts'
import { endProcesses } from './end-processes.ts'
import { coverInherited } from './inherited-descriptors.ts'
import { LocalState } from './local-state.ts'
import { NetworkChoice, type NetworkSetting } from './network.ts'
import { findWorkspaceProcesses, readProcess, type WorkspaceProcesses } from './processes.ts'
import { SandboxChoice, type SandboxSetting } from './sandbox-choice.ts'
import { insideSandbox, type Launch } from './sandbox.ts'
import { firstClosedDirectory, sharePrograms, type SharedPrograms } from './shared-programs.ts'
import { UidPool, defaultUidRange, type UidRange } from './uid-pool.ts'
import { openLog, prepareFolder, removeFolder, workspaceFolder, type WorkspaceFolder } from './workspace-folder.ts'

/** The settings of the runtime `local`. */
export interface LocalRuntimeOptions {
  /**
   * Holds a folder for each workspace. Created if missing. As root, other uids must be able to
   * enter every directory above it.
   */
  readonly workspacesDirectory: string
  /** Holds copies of the agent. Default: `agent` beside the workspaces. */
  readonly programsDirectory?: string
  /** The built agent: a folder with `main.js` and its dependencies. */
  readonly agentDirectory: string
  /** The Node.js that runs the agent. */
  readonly nodePath: string
  /**
   * `auto`: use bubblewrap if it works. `bubblewrap`: start no workspace without it. `off`: don't
   * use it.
   */
  readonly sandbox: SandboxSetting
  /** The network of workspaces. Default: `host`. */
  readonly network?: NetworkSetting
  /**
   * The port at which the server answers HTTP on 127.0.0.1. Isolated workspaces need it if the
   * server's URL has another host.
   */
  readonly serverPort?: number | undefined
  /** Whether the server is root. If so, every workspace gets its own uid. */
  readonly isRoot: boolean
  /** The uids of workspaces. Default: {@link defaultUidRange}. */
  readonly uidRange?: UidRange
  /** The PATH that is searched for bubblewrap, setpriv and pasta. */
  readonly searchPath: string
  readonly limits: WorkspaceLimits
  /**
   * How long processes may take to end gracefully when a workspace stops. Default: see {@link
   * endProcesses}.
   */
  readonly graceMs?: number
}

/**
 * Creates the runtime `local`: a workspace is a home directory and processes on the server's
 * machine. Linux only.
 */
export function createLocalRuntime(options: LocalRuntimeOptions): Runtime {
  return new LocalRuntime(options)
}

class LocalRuntime implements Runtime {
  readonly resourceType = 'local_workspace'
  readonly machine = { os: 'linux', arch: wireArchitecture(process.arch) }
  readonly #options: LocalRuntimeOptions
  readonly #sandbox: SandboxChoice
  readonly #network: NetworkChoice
  #uids: UidPool | undefined
  #programs: Promise<SharedPrograms> | undefined
  #confine: Confine | undefined

  constructor(options: LocalRuntimeOptions) {
    this.#options = options
    const { network = 'host', isRoot, serverPort } = options
    // Root can't create a sandbox in a network that belongs to the workspace's uid.
    this.#sandbox = new SandboxChoice({ ...options, isRoot: isRoot && network === 'host' })
    this.#network = new NetworkChoice({ ...options, network, serverPort })
  }

  async start(request: RuntimeStart): Promise<Uint8Array> {
    const { metadata, agents } = request
    const folder = this.#folder(metadata)
    await this.#end(folder, request)
    const uid = await (await this.#uidPool())?.claim(metadata.workspace_id)
    request.signal.throwIfAborted()
    await prepareFolder(folder, uid)
    const programs = await this.#sharedPrograms()
    this.#confine ??= await createConfine(this.#options.limits)
    const confine = this.#confine
    const started: LocalState['agents'] = []
    const state = (): Uint8Array => stateOf({ metadata, uid, agents: started })
    try {
      for (const agent of agents) started.push(await this.#startAgent(agent, { request, folder, uid, programs, confine }))
    } catch (error) {
      await this.#end(folder, { ...request, state: state() })
      if (error instanceof ProvisionError) throw new ProvisionError(error.message, { state: state(), cause: error })
      throw error
    }
    return state()
  }

  async stop(request: RuntimeRequest): Promise<Uint8Array> {
    const { metadata, log } = request
    const count = await this.#end(this.#folder(metadata), request)
    await log('info', count === 0 ? 'The workspace was not running.' : `Ended ${count} ${count === 1 ? 'process' : 'processes'}.`)
    const uid = await (await this.#uidPool())?.find(metadata.workspace_id)
    return stateOf({ metadata, uid, agents: [] })
  }

  async delete(request: RuntimeRequest): Promise<void> {
    const { metadata, log } = request
    const folder = this.#folder(metadata)
    await this.#end(folder, request)
    if (request.state.length === 0 && existsSync(folder.path)) {
      await log('warn', `Deleting the workspace without its state. Its files remain in ${folder.path}.`)
      return
    }
    await removeFolder(folder)
    await (await this.#uidPool())?.release(metadata.workspace_id)
    await log('info', 'Removed the home directory of the workspace.')
  }

  #folder(metadata: ProvisionMetadata): WorkspaceFolder {
    if (process.platform !== 'linux') throw new ProvisionError('the runtime "local" needs a server on Linux; use another runtime')
    return workspaceFolder(this.#options.workspacesDirectory, metadata.workspace_id)
  }

  /** Ends all processes of the workspace. Returns how many there were. */
  async #end(folder: WorkspaceFolder, { metadata, state }: RuntimeRequest): Promise<number> {
    const uid = await (await this.#uidPool())?.find(metadata.workspace_id)
    const workspace: WorkspaceProcesses = {
      marker: `BERTH_WORKSPACE_ID=${metadata.workspace_id}`,
      ...(uid !== undefined && { uid }),
      known: readRuntimeState(LocalState, state)?.agents ?? [],
      directory: folder.path,
    }
    const { graceMs } = this.#options
    return await endProcesses({
      find: async () => await findWorkspaceProcesses(workspace),
      ...(graceMs !== undefined && { graceMs }),
      ...(uid !== undefined && { uid }),
    })
  }

  async #startAgent(agent: Agent, { request, folder, uid, programs, confine }: AgentStart): Promise<LocalState['agents'][number]> {
    const { metadata, log } = request
    const name = accountName(metadata.workspace_owner)
    const homeInside = `/home/${name}`
    const shell = existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh'
    const account = { uid: uid ?? process.getuid?.() ?? 0, gid: uid ?? process.getgid?.() ?? 0, name, shell }
    const network = await this.#network.choose(metadata.access_url)
    const way = await this.#sandbox.choose({
      uid,
      plan: {
        hostName: metadata.workspace_name || 'workspace',
        home: folder.home,
        homeInside,
        passwd: folder.passwd,
        group: folder.group,
        ...programs,
      },
      confine,
      around: network?.aroundSandbox ?? ((launch) => launch),
      prepare: async () => await writeSandboxAccounts(folder, { ...account, home: homeInside }),
    })
    await log('info', way.description)
    if (network !== undefined) await log('info', `Network: isolated (only the server, at ${network.serverUrl})`)
    const needsName = way.launch === undefined && uid !== undefined
    if (needsName) await this.#refuseClosedFolder(folder)
    const names = needsName ? await nameAccount(folder, { ...account, home: folder.home }) : undefined
    if (needsName && names === undefined)
      await log('info', `The uid ${uid} has no name in the workspace. Install bubblewrap or libnss-wrapper.`)
    const [command = '', ...commandArguments] = confine([programs.nodePath, join(programs.agentDirectory, 'main.js')])
    const plain: Launch = { command, arguments: commandArguments, ...(uid !== undefined && { user: { uid, gid: uid } }) }
    const launch =
      (await way.launch?.([insideSandbox.nodePath, `${insideSandbox.agentDirectory}/main.js`])) ?? network?.aroundProgram(plain) ?? plain
    const isInside = way.launch !== undefined
    const environment = agentEnvironment({
      agent,
      metadata: { ...metadata, access_url: network?.serverUrl ?? metadata.access_url },
      name,
      shell,
      home: isInside ? homeInside : folder.home,
      tmp: isInside ? insideSandbox.tmp : folder.tmp,
      sharesProcesses: uid === undefined && !isInside && network === undefined,
      names,
    })
    return { name: agent.name, ...(await spawnDetached(launch, { environment, folder, isInside })) }
  }

  async #refuseClosedFolder(folder: WorkspaceFolder): Promise<void> {
    const closed = await firstClosedDirectory(dirname(folder.path))
    if (closed === undefined) return
    throw new ProvisionError(`the uids of workspaces can't enter ${closed}; run chmod o+x on it, or keep workspaces in another directory`)
  }

  async #uidPool(): Promise<UidPool | undefined> {
    const { isRoot, workspacesDirectory, uidRange } = this.#options
    if (!isRoot) return undefined
    this.#uids ??= new UidPool({
      directory: join(workspacesDirectory, 'uids'),
      range: uidRange ?? defaultUidRange(await readFile('/proc/self/uid_map', 'utf8').catch(() => '')),
    })
    return this.#uids
  }

  async #sharedPrograms(): Promise<SharedPrograms> {
    const {
      agentDirectory,
      nodePath,
      isRoot,
      workspacesDirectory,
      programsDirectory = join(dirname(workspacesDirectory), 'agent'),
    } = this.#options
    this.#programs ??= sharePrograms({ agentDirectory, nodePath, directory: programsDirectory, hasOwnUids: isRoot })
    try {
      return await this.#programs
    } catch (error) {
      this.#programs = undefined // the next start tries again: the agent may be built by then
      throw error
    }
  }
}

interface Standing {
  readonly metadata: ProvisionMetadata
  readonly uid: number | undefined
  readonly agents: LocalState['agents']
}

function stateOf({ metadata, uid, agents }: Standing): Uint8Array {
  const state: LocalState = {
    version: 1,
    runtime: 'local',
    workspace_id: metadata.workspace_id,
    ...(uid !== undefined && { uid }),
    agents,
  }
  return writeRuntimeState(state)
}

interface AgentStart {
  readonly request: RuntimeStart
  readonly folder: WorkspaceFolder
  readonly uid: number | undefined
  readonly programs: SharedPrograms
  readonly confine: Confine
}

/**
 * Starts a program that outlives this process: it has its own session and inherits only its log
 * file.
 */
async function spawnDetached(
  launch: Launch,
  {
    environment,
    folder,
    isInside,
  }: { readonly environment: Record<string, string>; readonly folder: WorkspaceFolder; readonly isInside: boolean },
): Promise<{ pid: number; started_at: number }> {
  const log = await openLog(folder)
  try {
    const child = spawn(launch.command, launch.arguments, {
      ...launch.user,
      cwd: isInside ? '/' : folder.home,
      env: environment,
      detached: true,
      stdio: await coverInherited(['ignore', log.fd, log.fd]),
    })
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    const pid = child.pid ?? 0
    const started = await readProcess(pid)
    if (started === undefined) throw new ProvisionError(`the agent exited immediately; see ${folder.log} on the server's machine`)
    return { pid, started_at: started.startedAt }
  } catch (error) {
    if (error instanceof ProvisionError) throw error
    throw new ProvisionError(`can't start the agent: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    await log.close()
  }
}
