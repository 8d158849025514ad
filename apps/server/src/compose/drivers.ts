import { join } from 'node:path'
import {
  createEchoDriver,
  createKubernetesRuntime,
  createLocalRuntime,
  createNativeDriver,
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
