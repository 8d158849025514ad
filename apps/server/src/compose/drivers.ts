import { join } from 'node:path'
import {
  createEchoDriver,
  createKubernetesRuntime,
  createLocalRuntime,
  createNativeDriver,
  findNetworkFault,
  findSandboxFault,
  type Driver,
} from '@berth/provisioner'
import { ConfigError } from '../settings/config-error.ts'
import type { Config } from '../settings/config.ts'

/** Returns the drivers of the built-in provisioner daemons. */
export function createDrivers(config: Config): Driver[] {
  const local = createLocalRuntime({
    workspacesDirectory: join(config.dataDirectory, 'workspaces'),
    programsDirectory: join(config.dataDirectory, 'agent'),
    agentDirectory: config.agentDirectory,
    nodePath: process.execPath,
    sandbox: config.localSandbox,
    network: config.localNetwork,
    serverPort: loopbackPort(config) || undefined,
    isRoot: process.getuid?.() === 0,
    searchPath: config.searchPath,
    limits: {
      processes: config.localProcessLimit,
      openFiles: config.localOpenFileLimit,
      fileSizeMiB: config.localFileSizeLimitMiB,
      memoryMiB: config.localMemoryLimitMiB,
    },
  })
  const kubernetes = createKubernetesRuntime({ kubeconfigPaths: config.kubeconfigPaths })
  return [createNativeDriver({ runtimes: { local, kubernetes } }), ...(config.echoProvisioner ? [createEchoDriver()] : [])]
}

/**
 * Finds out whether this machine can confine local workspaces as the settings ask for.
 *
 * @throws ConfigError with one line that says what to do.
 */
export async function checkSandbox({ localSandbox, searchPath }: Config): Promise<void> {
  if (localSandbox !== 'bubblewrap') return
  const fault = await findSandboxFault(searchPath)
  if (fault === undefined) return
  throw new ConfigError(
    `BERTH_LOCAL_SANDBOX cannot be bubblewrap: ${fault}. Install bubblewrap, or set BERTH_LOCAL_SANDBOX to auto or off.`,
  )
}

/**
 * Finds out whether this machine can isolate the networks of local workspaces, if the settings ask
 * for that.
 *
 * @throws ConfigError with one line that says what to do.
 */
export async function checkNetwork(config: Config): Promise<void> {
  if (config.localNetwork !== 'isolated') return
  if (loopbackPort(config) === undefined) {
    throw new ConfigError(
      'BERTH_LOCAL_NETWORK cannot be isolated: workspaces reach the server by plain HTTP on 127.0.0.1. Set BERTH_HTTP_ADDRESS, for example to 127.0.0.1:3000.',
    )
  }
  const fault = await findNetworkFault(config.searchPath)
  if (fault === undefined) return
  throw new ConfigError(
    `BERTH_LOCAL_NETWORK cannot be isolated: ${fault}. Install pasta (package passt), or set BERTH_LOCAL_NETWORK to host.`,
  )
}

/**
 * Returns the port at which the server answers plain HTTP on 127.0.0.1; 0 if it isn't known yet.
 */
function loopbackPort({ http }: Config): number | undefined {
  const isLoopback = http !== undefined && ['127.0.0.1', 'localhost', '0.0.0.0', '::'].includes(http.host)
  return isLoopback ? http.port : undefined
}
