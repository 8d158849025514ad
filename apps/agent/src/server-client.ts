import type { AgentStats, AgentStatsResponse, PostWorkspaceAgentVersionRequest, PostWorkspaceAppHealthsRequest } from '@berth/schema'
import { routes } from '@berth/schema/routes'
import type { AgentConfig } from './config.ts'
import type { AgentMetadata, CheckedHealth } from './protocol.ts'

/** The server answered with an error. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * The agent's HTTP requests. Each rejects with {@link ServerRefusal} or with what `fetch` throws.
 */
export interface ServerClient {
  metadata: () => Promise<AgentMetadata>
  reportVersion: (version: string) => Promise<void>
  reportAppHealth: (healths: Record<string, CheckedHealth>) => Promise<void>
  /** Returns the pause until the next report, in milliseconds; NaN when the server names none. */
  reportStats: (stats: AgentStats) => Promise<number>
}

/** An endpoint of the server without path parameters. */
export interface AgentRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
}

const requestTimeoutMs = 15_000
const nanosecondsPerMillisecond = 1_000_000

/** Returns the address of an endpoint. */
export function urlOf(serverUrl: string, { path }: AgentRoute): string {
  return `${serverUrl}/api/v2${path}`
}

/** The header that carries the agent's token. */
export const tokenHeader = 'Coder-Session-Token'

export function createServerClient({ serverUrl, token }: AgentConfig, signal: AbortSignal): ServerClient {
  const call = async (route: AgentRoute, body?: unknown): Promise<unknown> => await request(serverUrl, route, { token, body, signal })
  return {
    metadata: async () => readMetadata(await call(routes.agents.metadata)),
    async reportVersion(version) {
      await call(routes.agents.updateVersion, { version } satisfies PostWorkspaceAgentVersionRequest)
    },
    async reportAppHealth(healths) {
      await call(routes.agents.updateAppHealth, { Healths: healths } satisfies PostWorkspaceAppHealthsRequest)
    },
    async reportStats(stats) {
      const answer = await call(routes.agents.reportStats, stats)
      const interval = isRecord(answer) ? Number(answer['report_interval' satisfies keyof AgentStatsResponse]) : Number.NaN
      return Number.isFinite(interval) && interval > 0 ? interval / nanosecondsPerMillisecond : Number.NaN
    },
  }
}

interface RequestOptions {
  token?: string
  body?: unknown
  signal?: AbortSignal
}

/**
 * Sends a request to an endpoint and returns its JSON. Rejects with {@link ServerRefusal} or with
 * what `fetch` throws.
 */
export async function request(serverUrl: string, route: AgentRoute, { token, body, signal }: RequestOptions): Promise<unknown> {
  const timeout = AbortSignal.timeout(requestTimeoutMs)
  const response = await fetch(urlOf(serverUrl, route), {
    method: route.method,
    headers: {
      ...(token === undefined ? {} : { [tokenHeader]: token }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  })
  const text = await response.text()
  if (!response.ok) throw new ServerRefusal(response.status, `${nameOf(route)} was answered with ${response.status}: ${messageOf(text)}`)
  return text === '' ? null : (JSON.parse(text) as unknown)
}

/** Returns the short name of a route for logs, such as `GET metadata`. */
function nameOf({ method, path }: AgentRoute): string {
  return `${method} ${path.slice(path.lastIndexOf('/') + 1)}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the server's message, short enough for a log line. */
function messageOf(text: string): string {
  try {
    const parsed = JSON.parse(text) as unknown
    if (isRecord(parsed) && typeof parsed['message'] === 'string') {
      const detail = typeof parsed['detail'] === 'string' && parsed['detail'] !== '' ? ` (${parsed['detail']})` : ''
      return `${parsed['message']}${detail}`
    }
  } catch {
    // Not JSON, so probably the answer of a proxy: its first words say most.
  }
  return text.slice(0, 200).trim() || 'no text'
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)

/**
 * Reads the server's metadata. Missing or invalid fields become empty ones: a newer or older server
 * must not keep a workspace from starting.
 */
export function readMetadata(value: unknown): AgentMetadata {
  if (!isRecord(value)) throw new Error('The metadata of the agent is not a JSON object.')
  const variables = isRecord(value['environment_variables']) ? value['environment_variables'] : null
  const apps = Array.isArray(value['apps']) ? value['apps'].filter(isRecord) : []
  return {
    environment_variables:
      variables &&
      Object.fromEntries(Object.entries(variables).flatMap(([name, held]) => (typeof held === 'string' ? [[name, held]] : []))),
    startup_script: text(value['startup_script']),
    directory: text(value['directory']),
    motd_file: text(value['motd_file']),
    apps: apps.map((app) => {
      const check = isRecord(app['healthcheck']) ? app['healthcheck'] : {}
      return {
        id: text(app['id']),
        slug: text(app['slug']),
        url: text(app['url']),
        health: text(app['health']),
        healthcheck: { url: text(check['url']), interval: count(check['interval']), threshold: count(check['threshold']) },
      }
    }),
  }
}
