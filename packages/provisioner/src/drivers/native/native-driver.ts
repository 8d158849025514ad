import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TemplateRuntime } from '@berth/schema'
import { ProvisionError, type ApplyRequest, type ApplyResult, type Driver, type PlanRequest } from '../../driver.ts'
import { runtimeOfState } from './runtimes/runtime-state.ts'
import type { Runtime, RuntimeRequest } from './runtimes/runtime.ts'
import { parameterSchemas } from './template/parameter-schemas.ts'
import { readTemplate, type Template } from './template/read-template.ts'
import { renderTemplate, type RenderedTemplate } from './template/render-template.ts'
import { templateFileName } from './template/template-error.ts'

/** The dependencies of {@link createNativeDriver}. */
export interface NativeDriverOptions {
  /** The available runtimes. Templates that name another one are refused. */
  readonly runtimes: Readonly<Partial<Record<TemplateRuntime, Runtime>>>
  /** Makes agent tokens. Default: random UUIDs. */
  readonly newToken?: () => string
}

/**
 * Ends workspaces that have no state and no readable template: it needs only the ID to find them.
 */
const fallbackRuntime: TemplateRuntime = 'local'

/**
 * Creates the driver for native templates. It reads `template.yaml` and passes the workspace to the
 * runtime that the template names. Its provisioner type on the wire is `berth`.
 */
export function createNativeDriver({ runtimes, newToken = randomUUID }: NativeDriverOptions): Driver {
  return {
    type: 'berth',
    async parse({ directory }) {
      const { file } = await templateIn(directory)
      return { parameter_schemas: parameterSchemas(file.parameters ?? []) }
    },
    async plan(request) {
      const { metadata } = request
      if (metadata.workspace_transition === 'delete') return { resources: [] }
      const rendered = await (metadata.workspace_transition === 'start' ? render(request, runtimes) : renderIfPossible(request, runtimes))
      return { resources: rendered === undefined ? [] : [rendered.resource] }
    },
    async apply(request) {
      request.signal.throwIfAborted()
      return request.metadata.workspace_transition === 'start' ? await start(request, { runtimes, newToken }) : await end(request, runtimes)
    },
  }
}

async function start(request: ApplyRequest, { runtimes, newToken }: Required<NativeDriverOptions>): Promise<ApplyResult> {
  const { runtime, resource, blocks } = await render(request, runtimes)
  const previous = runtimeOfState(request.state)
  if (previous !== undefined && previous !== runtime)
    throw new ProvisionError(
      `the template runs workspaces on ${JSON.stringify(runtime)}, but the files of this workspace are on ${JSON.stringify(previous)}; use a template version with the runtime ${previous}, or create a new workspace`,
    )
  const agents = resource.agents.map((agent) => ({ ...agent, token: newToken() }))
  const state = await runtimeNamed(runtime, runtimes).start({ ...runtimeRequest(request, blocks), agents })
  return { resources: [{ ...resource, agents }], state }
}

/**
 * Stops or deletes a workspace. This works even when its template can no longer be read, because
 * its state names the runtime.
 */
async function end(request: ApplyRequest, runtimes: NativeDriverOptions['runtimes']): Promise<ApplyResult> {
  const rendered = await renderIfPossible(request, runtimes)
  const runtime = runtimeNamed(runtimeOfState(request.state) ?? rendered?.runtime ?? fallbackRuntime, runtimes)
  const order = runtimeRequest(request, rendered?.blocks ?? {})
  if (request.metadata.workspace_transition === 'delete') {
    await runtime.delete(order)
    return { resources: [], state: new Uint8Array() }
  }
  const state = await runtime.stop(order)
  return { resources: rendered === undefined ? [] : [rendered.resource], state }
}

function runtimeRequest({ metadata, state, log, signal }: ApplyRequest, blocks: RuntimeRequest['blocks']): RuntimeRequest {
  return { metadata, blocks, state, log, signal }
}

interface Rendered extends RenderedTemplate {
  readonly runtime: TemplateRuntime
}

async function render(request: PlanRequest, runtimes: NativeDriverOptions['runtimes']): Promise<Rendered> {
  const { metadata, parameter_values } = request
  const template = await templateIn(request.directory)
  const { resourceType, machine } = runtimeNamed(template.runtime, runtimes)
  return { ...(await renderTemplate(template, { metadata, parameter_values, resourceType, machine })), runtime: template.runtime }
}

/**
 * Renders the template of an existing workspace. Returns undefined if its values are no longer
 * valid: it can still be stopped and deleted.
 */
async function renderIfPossible(request: PlanRequest, runtimes: NativeDriverOptions['runtimes']): Promise<Rendered | undefined> {
  const { metadata, log } = request
  try {
    return await render(request, runtimes)
  } catch (error) {
    // A template import has no workspace and must report every error.
    if (metadata.workspace_id === '' || !(error instanceof ProvisionError)) throw error
    if (metadata.workspace_transition === 'stop') for (const line of error.message.split('\n')) await log('warn', line)
    return undefined
  }
}

function runtimeNamed(name: TemplateRuntime, runtimes: NativeDriverOptions['runtimes']): Runtime {
  const runtime = runtimes[name]
  if (runtime !== undefined) return runtime
  throw new ProvisionError(`this provisioner has no runtime ${JSON.stringify(name)}; it has: ${Object.keys(runtimes).join(', ')}`)
}

async function templateIn(directory: string): Promise<Template> {
  let text: string
  try {
    text = await readFile(join(directory, templateFileName), 'utf8')
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    throw new ProvisionError(`${templateFileName} is missing from the root of the template; add it`, { cause: error })
  }
  return await readTemplate(text)
}
