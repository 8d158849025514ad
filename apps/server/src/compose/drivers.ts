import { join } from 'node:path'
import { createEchoDriver, createKubernetesRuntime, createLocalRuntime, createNativeDriver, type Driver } from '@berth/provisioner'
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
