import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DERPMap } from '@berth/schema'
import { checkNetwork, checkSandbox } from './compose/drivers.ts'
import { readConfiguredDerpMap } from './features/derp/derp-map.ts'
import { checkStarterTemplates } from './features/templates/starter-templates.ts'
import { checkAddresses, type TlsServers } from './listen/open-listeners.ts'
import { createTlsServer } from './listen/tls-listener.ts'
import { openDirectory } from './open-directory.ts'
import { ConfigError } from './settings/config-error.ts'
import type { Config } from './settings/config.ts'

const FETCH_MS = 10_000

/** What the settings name, read before anything is made. */
export interface Preflight {
  /** Undefined: TLS is off. */
  readonly https: TlsServers | undefined
  readonly configuredDerpMap: DERPMap
}

/**
 * Finds out whether the settings can be used on this machine, before a start makes or changes
 * anything. The directories come last, because they are created.
 *
 * @throws Error with one sentence that names the setting.
 */
export async function preflight(config: Config): Promise<Preflight> {
  await checkStarterTemplates(config.autoImportTemplates)
  const https = config.tls === undefined ? undefined : { main: await createTlsServer(config.tls), apps: await createTlsServer(config.tls) }
  await checkAddresses(config)
  await checkSandbox(config)
  await checkNetwork(config)
  await checkAgentDirectory(config)
  const configuredDerpMap = await readConfiguredDerpMap(config, { fetchText, readText: async (path) => await readFile(path, 'utf8') })
  await openDirectory({ path: config.dataDirectory, name: 'data directory', setting: 'BERTH_DATA_DIR' })
  await openDirectory({ path: config.cacheDirectory, name: 'cache directory', setting: 'BERTH_CACHE_DIRECTORY' })
  return { https, configuredDerpMap }
}

/** The agent that comes with the server may be built later, while the server runs. */
async function checkAgentDirectory({ agentDirectory, isAgentDirectoryGiven }: Config): Promise<void> {
  if (!isAgentDirectoryGiven) return
  const program = join(agentDirectory, 'main.js')
  try {
    await access(program, constants.R_OK)
  } catch {
    throw new ConfigError(
      `BERTH_AGENT_DIRECTORY cannot be ${agentDirectory}: ${program} can't be read. Name the directory of a built agent, or leave the setting out.`,
    )
  }
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) })
  if (!response.ok) throw new Error(`the answer is ${response.status}`)
  return await response.text()
}
