import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError, type ApplyRequest, type ApplyResult, type Driver, type PlanRequest } from '../driver.ts'
import type { Resource } from '../resources.ts'
import type { Runtime } from '../runtime.ts'
import { parameterSchemas } from '../template/parameter-schemas.ts'
import { readTemplate, type Template, type TemplateRuntime } from '../template/read-template.ts'
import { renderTemplate } from '../template/render-template.ts'
import { templateFileName } from '../template/template-error.ts'

/** What native templates run on. */
export interface NativeDriverOptions {
  readonly runtimes: Readonly<Record<TemplateRuntime, Runtime>>
  /** Makes the tokens of agents. Default: random UUIDs. */
  readonly newToken?: () => string
}

/**
 * The driver of native templates: reads `template.yaml` and hands the workspace to the runtime it names. Its type on the wire is `berth`.
 */
export function createNativeDriver(options: NativeDriverOptions): Driver {
  const { runtimes, newToken = randomUUID } = options
  return {
    type: 'berth',
    async parse({ directory }) {
      const { file } = await templateIn(directory)
      return { parameter_schemas: parameterSchemas(file.parameters ?? []) }
    },
    async plan(request) {
      return { resources: await plannedResources(request, runtimes) }
    },
    async apply(request) {
      return await applyTransition(request, { runtimes, newToken })
    },
  }
}

async function applyTransition(request: ApplyRequest, { runtimes, newToken }: Required<NativeDriverOptions>): Promise<ApplyResult> {
  const { metadata, log } = request
  request.signal.throwIfAborted()
  if (metadata.workspace_transition === 'start') {
    const template = await templateIn(request.directory)
    const runtime = runtimes[template.runtime]
    const planned = renderResource(template, request, runtime)
    const agents = planned.agents.map((agent) => ({ ...agent, token: newToken() }))
    const state = await runtime.start({ metadata, agents, state: request.state, log, signal: request.signal })
    return { resources: [{ ...planned, agents }], state }
  }
  // What runs must come to an end even where its template can't be read any more.
  const runtime = runtimes.local
  if (metadata.workspace_transition === 'delete') {
    await runtime.delete(request)
    return { resources: [], state: new Uint8Array() }
  }
  const state = await runtime.stop(request)
  return { resources: await plannedResources(request, runtimes), state }
}

/** What a build brings about. A template whose values don't fit any more still stops, without a resource to show. */
async function plannedResources(request: PlanRequest, runtimes: NativeDriverOptions['runtimes']): Promise<Resource[]> {
  const { metadata, log } = request
  if (metadata.workspace_transition === 'delete') return []
  try {
    const template = await templateIn(request.directory)
    return [renderResource(template, request, runtimes[template.runtime])]
  } catch (error) {
    // A template import has no workspace, and wants to hear of everything.
    if (metadata.workspace_transition !== 'stop' || metadata.workspace_id === '' || !(error instanceof ProvisionError)) throw error
    for (const line of error.message.split('\n')) await log('warn', line)
    return []
  }
}

function renderResource(template: Template, request: PlanRequest, runtime: Runtime): Resource {
  const { metadata, parameter_values } = request
  return renderTemplate(template, { metadata, parameter_values, resourceType: runtime.resourceType, machine: runtime.machine })
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
