import { defaultConnectionTimeoutSeconds, type TemplateAgent, type TemplateApp, type TemplateFile } from '@berth/schema'
import type { ProvisionMetadata } from '../../../driver.ts'
import type { ParameterValue } from '../../../parameters.ts'
import type { Agent, App, Resource, ResourceMetadata } from '../../../resources.ts'
import type { RuntimeBlocks } from '../runtimes/runtime.ts'
import { resolveParameters } from './parameter-values.ts'
import type { Template } from './read-template.ts'
import { createFiller } from './references.ts'

export interface RenderInput {
  readonly metadata: ProvisionMetadata
  readonly parameter_values: readonly ParameterValue[]
  readonly resourceType: string
  /** The platform of agents whose template names none. */
  readonly machine: { readonly os: string; readonly arch: string }
}

/** A template with its references filled in. */
export interface RenderedTemplate {
  /** Its agents have no tokens yet. */
  readonly resource: Resource
  readonly blocks: RuntimeBlocks
}

/**
 * Fills in a template: returns one resource with its agents, and the block for its runtime. Throws
 * `ProvisionError` for a value that its parameter refuses. In a template import there is no
 * workspace, so references to it become empty text.
 */
export async function renderTemplate({ file, runtime }: Template, input: RenderInput): Promise<RenderedTemplate> {
  const { metadata } = input
  const fill = createFiller({
    parameters: await resolveParameters(file.parameters ?? [], input.parameter_values),
    workspace: {
      name: metadata.workspace_name,
      id: metadata.workspace_id,
      owner: metadata.workspace_owner,
      owner_id: metadata.workspace_owner_id,
      owner_email: metadata.workspace_owner_email,
      transition: metadata.workspace_transition,
      access_url: metadata.access_url,
    },
  })
  return { resource: renderResource(file, { ...input, fill }), blocks: { [runtime]: fillBlock(file[runtime], fill) } }
}

/** Fills in the references of a text. */
type Fill = (text: string) => string

function renderResource(file: TemplateFile, input: RenderInput & { readonly fill: Fill }): Resource {
  const { fill, machine } = input
  const isStart = input.metadata.workspace_transition === 'start'
  return {
    name: file.name ?? 'workspace',
    type: input.resourceType,
    // A stopped workspace keeps its home directory, but runs no agents.
    agents: isStart ? file.agents.map((agent) => renderAgent(agent, { fill, machine })) : [],
    metadata: (file.metadata ?? []).map(({ key, value, sensitive }): ResourceMetadata => ({
      key,
      value: fill(String(value)),
      sensitive: sensitive === true,
      is_null: false,
    })),
    hide: false,
    icon: file.icon ?? '',
    instance_type: '',
    daily_cost: isStart ? (file.daily_cost ?? 0) : 0,
  }
}

/** Fills in the references in all texts of a block. */
function fillBlock(block: unknown, fill: Fill): unknown {
  if (typeof block === 'string') return fill(block)
  if (Array.isArray(block)) return block.map((entry: unknown) => fillBlock(entry, fill))
  if (typeof block !== 'object' || block === null) return block
  return Object.fromEntries(Object.entries(block).map(([key, entry]: [string, unknown]) => [key, fillBlock(entry, fill)]))
}

function renderAgent(agent: TemplateAgent, { fill, machine }: { readonly fill: Fill; readonly machine: RenderInput['machine'] }): Agent {
  const fillOptional = (text: string | undefined): string => (text === undefined ? '' : fill(text))
  return {
    id: '',
    name: agent.name,
    env: Object.fromEntries(Object.entries(agent.env ?? {}).map(([name, value]) => [name, fill(String(value))])),
    startup_script: fillOptional(agent.startup_script),
    operating_system: agent.os ?? machine.os,
    architecture: agent.arch ?? machine.arch,
    directory: fillOptional(agent.directory),
    apps: (agent.apps ?? []).map((app) => renderApp(app, fillOptional)),
    connection_timeout_seconds: agent.connection_timeout ?? defaultConnectionTimeoutSeconds,
    troubleshooting_url: fillOptional(agent.troubleshooting_url),
    motd_file: fillOptional(agent.motd_file),
  }
}

function renderApp(app: TemplateApp, fill: (text: string | undefined) => string): App {
  return {
    slug: app.slug,
    display_name: fill(app.display_name) || app.slug,
    command: fill(app.command),
    url: fill(app.url),
    icon: fill(app.icon),
    subdomain: app.subdomain === true,
    sharing_level: app.share ?? 'owner',
    external: app.external === true,
    ...(app.healthcheck && { healthcheck: { ...app.healthcheck, url: fill(app.healthcheck.url) } }),
  }
}
