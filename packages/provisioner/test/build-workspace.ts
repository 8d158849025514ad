/**
 * Builds workspaces in a separate process and prints the outcomes, so that tests can build as
 * another user and see what outlives the builder.
 * @module
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createNativeDriver } from '../src/drivers/native/native-driver.ts'
import { ProvisionError, type Driver, type WorkspaceTransition } from '../src/driver.ts'
import { createLocalRuntime, type LocalRuntimeOptions } from '../src/drivers/native/runtimes/local/local-runtime.ts'
import type { Resource } from '../src/resources.ts'

export interface BuildOrder {
  readonly runtime: LocalRuntimeOptions
  /** The template's folder. */
  readonly directory: string
  readonly transition: WorkspaceTransition
  readonly workspaceId: string
  readonly owner: string
  readonly accessUrl: string
  /** Base64. */
  readonly state: string
}

export interface BuildOutcome {
  readonly error?: string
  /** Base64. */
  readonly state: string
  readonly resources: readonly Resource[]
  readonly log: readonly string[]
  readonly applyMs: number
  /** The longest time that the builder's event loop was blocked meanwhile. */
  readonly blockedMs: number
}

async function build(order: BuildOrder, driver: Driver): Promise<BuildOutcome> {
  const log: string[] = []
  const request = {
    directory: order.directory,
    log: async (level: string, output: string) => void log.push(`${level} ${output}`),
    signal: new AbortController().signal,
    forceSignal: new AbortController().signal,
    metadata: {
      access_url: order.accessUrl,
      workspace_transition: order.transition,
      workspace_name: 'dev',
      workspace_id: order.workspaceId,
      workspace_owner: order.owner,
      workspace_owner_id: 'owner-id',
      workspace_owner_email: 'anna@example.com',
    },
    parameter_values: [],
    state: new Uint8Array(Buffer.from(order.state, 'base64')),
  }
  const startedAt = performance.now()
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  const measured = () => ({ applyMs: performance.now() - startedAt, blockedMs: loop.max / 1e6 })
  try {
    await driver.plan(request)
    const { resources, state } = await driver.apply({ ...request, plan: new Uint8Array() })
    return { state: Buffer.from(state).toString('base64'), resources, log, ...measured() }
  } catch (error) {
    const state = error instanceof ProvisionError && error.state ? Buffer.from(error.state).toString('base64') : order.state
    return {
      error: error instanceof Error ? error.message : String(error),
      state,
      resources: [],
      log,
      ...measured(),
    }
  }
}

const orders = JSON.parse(process.argv[2] ?? '[]') as BuildOrder[] // written by the test beside this file
const drivers = new Map<string, Driver>()
const outcomes: BuildOutcome[] = []
for (const order of orders) {
  const key = JSON.stringify(order.runtime)
  const driver = drivers.get(key) ?? createNativeDriver({ runtimes: { local: createLocalRuntime(order.runtime) } })
  drivers.set(key, driver)
  outcomes.push(await build(order, driver))
}
process.stdout.write(JSON.stringify(outcomes))
