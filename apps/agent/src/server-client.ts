import type { AgentConfig } from './config.ts'
import type { AgentMetadata, AgentStats, AppHealth } from './protocol.ts'

/** The server answered, but not with success. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** What the agent asks of its server over HTTP. Every call rejects with {@link ServerRefusal} or with what `fetch` throws. */
export interface ServerClient {
  metadata: () => Promise<AgentMetadata>
  reportVersion: (version: string) => Promise<void>
  reportAppHealth: (healths: Record<string, AppHealth>) => Promise<void>
  /** Gives the pause until the next report, in milliseconds. */
  reportStats: (stats: AgentStats) => Promise<number>
}

const requestTimeoutMs = 15_000
const nanosecondsPerMillisecond = 1_000_000

export function createServerClient(config: AgentConfig, signal: AbortSignal): ServerClient {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> =>
    await request(`${config.serverUrl}/api/v2/workspaceagents/me/${path}`, { method, token: config.token, body, signal })
  return {
    metadata: async () => readMetadata(await call('GET', 'metadata')),
    reportVersion: async (version) => void (await call('POST', 'version', { version })),
    reportAppHealth: async (healths) => void (await call('POST', 'app-health', { healths })),
    reportStats: async (stats) => {
      const answer = await call('POST', 'report-stats', stats)
      const interval = isRecord(answer) ? Number(answer['report_interval']) : Number.NaN
      return Number.isFinite(interval) && interval > 0 ? interval / nanosecondsPerMillisecond : Number.NaN
    },
  }
}

/** Asks a server what needs no session. Rejects with {@link ServerRefusal} or with what `fetch` throws. */
export async function postJson(url: string, body: unknown): Promise<unknown> {
  return await request(url, { method: 'POST', body })
}

interface RequestOptions {
  method: 'GET' | 'POST'
  token?: string
  body?: unknown
  signal?: AbortSignal
}

async function request(url: string, { method, token, body, signal }: RequestOptions): Promise<unknown> {
  const timeout = AbortSignal.timeout(requestTimeoutMs)
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { 'Coder-Session-Token': token }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  })
  const text = await response.text()
  if (!response.ok) {
    const [path = ''] = new URL(url).pathname.split('/').slice(-1)
    throw new ServerRefusal(response.status, `${method} ${path} was answered with ${response.status}: ${messageOf(text)}`)
  }
  return text === '' ? null : (JSON.parse(text) as unknown)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The server's own words, cut to a length that fits a log line. */
function messageOf(text: string): string {
  try {
    const parsed = JSON.parse(text) as unknown
    if (isRecord(parsed) && typeof parsed['message'] === 'string') {
      const detail = typeof parsed['detail'] === 'string' && parsed['detail'] !== '' ? ` (${parsed['detail']})` : ''
      return `${parsed['message']}${detail}`
    }
  } catch {
    // Not JSON, so probably a proxy in between: its first words say most.
  }
  return text.slice(0, 200).trim() || 'no text'
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)

/** Takes what is there and in shape; a newer or older server must not keep a workspace from starting. */
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
