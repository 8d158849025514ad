import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError, type ApplyRequest, type ApplyResult, type Driver, type PlanRequest } from '../../driver.ts'
import { runtimeOfState } from './runtimes/runtime-state.ts'
import type { Runtime, RuntimeRequest } from './runtimes/runtime.ts'
import { parameterSchemas } from './template/parameter-schemas.ts'
import { readTemplate, type Template, type TemplateRuntime } from './template/read-template.ts'
import { renderTemplate, type RenderedTemplate } from './template/render-template.ts'
import { templateFileName } from './template/template-error.ts'

/** What native templates run on. */
export interface NativeDriverOptions {
  /** A template that asks for another one is refused. */
  readonly runtimes: Readonly<Partial<Record<TemplateRuntime, Runtime>>>
  /** Makes the tokens of agents. Default: random UUIDs. */
  readonly newToken?: () => string
}

/**
 * The driver of native templates: reads `template.yaml` and hands the workspace to the runtime it names. Its type on the wire is `berth`.
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
      `the template runs workspaces on ${JSON.stringify(runtime)}, and this one has its files on ${JSON.stringify(previous)}; use a version of the template that says ${previous}, or create a new workspace`,
    )
  const agents = resource.agents.map((agent) => ({ ...agent, token: newToken() }))
  const state = await runtimeNamed(runtime, runtimes).start({ ...runtimeRequest(request, blocks), agents })
  return { resources: [{ ...resource, agents }], state }
}

/** What runs must come to an end even where its template can't be read any more: its state says where it is. */
async function end(request: ApplyRequest, runtimes: NativeDriverOptions['runtimes']): Promise<ApplyResult> {
  const rendered = await renderIfPossible(request, runtimes)
  const runtime = runtimeNamed(runtimeOfState(request.state) ?? rendered?.runtime ?? 'local', runtimes)
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
  return { ...renderTemplate(template, { metadata, parameter_values, resourceType, machine }), runtime: template.runtime }
}

/** A template whose values don't fit any more still stops and is deleted, without a resource to show. */
async function renderIfPossible(request: PlanRequest, runtimes: NativeDriverOptions['runtimes']): Promise<Rendered | undefined> {
  const { metadata, log } = request
  try {
    return await render(request, runtimes)
  } catch (error) {
    // A template import has no workspace, and wants to hear of everything.
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
    throw new ProvisionError(`${templateFileName} is missing at the root of the template; add it`, { cause: error })
  }
  return readTemplate(text)
}
