import { ProvisionError } from '../../../../driver.ts'
import { findProgram, tryLaunch, type Launch } from './sandbox.ts'

/** `host`: workspaces share the machine's network. `isolated`: each reaches only the server. */
export type NetworkSetting = 'host' | 'isolated'

/** The network of a workspace that reaches only the server. */
export interface IsolatedNetwork {
  /** The server's URL inside the workspace. */
  readonly serverUrl: string
  /** Returns how to start a sandbox in the network. */
  readonly aroundSandbox: (launch: Launch) => Launch
  /** Returns how to start a program without a sandbox in the network. */
  readonly aroundProgram: (launch: Launch) => Launch
}

interface NetworkOptions {
  readonly network: NetworkSetting
  readonly searchPath: string
  readonly isRoot: boolean
  readonly serverPort: number | undefined
}

interface Programs {
  readonly pasta: string
  readonly unshare: string
}

/** Reaps orphans, which an agent doesn't. */
const initScript = '"$@"; exit $?'
/** Hosts in a URL that pasta forwards to the same address of the machine. */
const forwardedHosts = ['127.0.0.1', 'localhost', '[::1]']
/** Anyone but root: what root may do says nothing about the uids of workspaces. */
const trialUid = 65_534

/** Finds out once whether this machine can isolate networks. */
export class NetworkChoice {
  readonly #options: NetworkOptions
  #programs: Programs | undefined

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /**
   * Returns the network of a workspace; undefined if it is the machine's. Throws `ProvisionError`
   * if the setting requires a network of its own and there can be none.
   */
  async choose(accessUrl: string): Promise<IsolatedNetwork | undefined> {
    const { network, searchPath, isRoot, serverPort } = this.#options
    if (network === 'host') return undefined
    const found = this.#programs ?? (await findPrograms(searchPath, isRoot))
    if (typeof found === 'string') throw new ProvisionError(`can't isolate the network of the workspace: ${found}; install passt`)
    this.#programs = found
    const serverUrl = urlInside(accessUrl, serverPort)
    if (serverUrl === undefined) {
      throw new ProvisionError(
        `can't isolate the network of the workspace: the server at ${accessUrl} doesn't listen for HTTP on 127.0.0.1; set BERTH_HTTP_ADDRESS`,
      )
    }
    return {
      serverUrl,
      aroundSandbox: (launch) => withNetwork(found, serverUrl, launch),
      aroundProgram: (launch) => withNetwork(found, serverUrl, withoutPrivileges(found, launch)),
    }
  }
}

/**
 * Returns what keeps networks from being isolated on this machine; undefined if a trial succeeds.
 *
 * @param searchPath The PATH that is searched for pasta.
 */
export async function findNetworkFault(searchPath: string): Promise<string | undefined> {
  const found = await findPrograms(searchPath, process.getuid?.() === 0)
  return typeof found === 'string' ? found : undefined
}

/** Returns the programs, or what keeps them from working. */
async function findPrograms(searchPath: string, isRoot: boolean): Promise<Programs | string> {
  const [pasta, unshare] = await Promise.all([findProgram('pasta', searchPath), findProgram('unshare', searchPath)])
  if (pasta === undefined) return 'pasta is not installed'
  if (unshare === undefined) return 'unshare is not installed'
  const programs = { pasta, unshare }
  const user = isRoot ? { user: { uid: trialUid, gid: trialUid } } : {}
  const trial = withoutPrivileges(programs, { command: '/bin/sh', arguments: ['-c', ':'], ...user })
  const failure = await tryLaunch(withNetwork(programs, 'http://127.0.0.1', trial))
  return failure === undefined ? programs : `pasta does not work here: ${failure}`
}

function urlInside(accessUrl: string, serverPort: number | undefined): string | undefined {
  if (forwardedHosts.includes(new URL(accessUrl).hostname)) return accessUrl
  return serverPort === undefined ? undefined : `http://127.0.0.1:${serverPort}`
}

/**
 * Starts a program in a user namespace and a network namespace whose only way out is one port of
 * the machine's loopback address. Pasta's own interface is never brought up, and nothing answers
 * there. The program has all capabilities in these namespaces, so it must give them up.
 */
function withNetwork({ pasta }: Programs, serverUrl: string, launch: Launch): Launch {
  const { protocol, port, hostname } = new URL(serverUrl)
  const serverPort = port || (protocol === 'https:' ? '443' : '80')
  const family = hostname === '[::1]' ? '-6' : '-4'
  const closed = ['--no-map-gw', '--no-udp', '--no-icmp', '--no-dhcp', '--no-dhcpv6', '--no-ndp', '--no-ra']
  const forwarding = ['-t', 'none', '-u', 'none', '-U', 'none', '-T', serverPort]
  return {
    ...launch,
    command: pasta,
    arguments: ['--foreground', '--quiet', family, ...closed, ...forwarding, '--', launch.command, ...launch.arguments],
  }
}

/**
 * Starts a program with its usual uid in a user namespace below pasta's, where it has no
 * capabilities, and with processes of its own: pasta's `/proc` may be the machine's.
 */
function withoutPrivileges({ unshare }: Programs, launch: Launch): Launch {
  const { uid, gid } = launch.user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const user = ['--user', `--map-user=${uid}`, `--map-group=${gid}`]
  const processes = ['--pid', '--fork', '--kill-child', '--mount-proc']
  const init = ['/bin/sh', '-c', initScript, 'berth', launch.command, ...launch.arguments]
  return { ...launch, command: unshare, arguments: [...user, ...processes, ...init] }
}
