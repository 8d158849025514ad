import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Failure, api } from '@berth/schema'
import express, { Router, type ErrorRequestHandler, type RequestHandler } from 'express'
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import { isConnectionError } from './database/database-errors.ts'
import type { Services } from './compose.ts'
import type { Config } from './settings/config.ts'
import { agentBinaryRoutes } from './features/agent-binaries/routes.ts'
import { agentRoutes } from './features/agents/routes.ts'
import { auditRoutes } from './features/audit/routes.ts'
import { authorizationRoutes } from './features/authorization/routes.ts'
import { buildRoutes } from './features/builds/routes.ts'
import { coordinatorRoutes } from './features/coordinator/routes.ts'
import { AppSignIn } from './features/deployment/app-sign-in.ts'
import { applicationRoutes } from './features/deployment/application-routes.ts'
import { apiReferenceRoutes } from './features/deployment/api-reference-routes.ts'
import { deploymentRoutes } from './features/deployment/routes.ts'
import { DERP_PATH, answerLatencyCheck, derpHandler } from './features/derp/routes.ts'
import { externalSignInRoutes } from './features/external-sign-in/routes.ts'
import { fileRoutes } from './features/files/routes.ts'
import { groupRoutes } from './features/groups/routes.ts'
import { gitAuthCallback } from './features/git-auth/callback-routes.ts'
import { gitAuthRoutes } from './features/git-auth/routes.ts'
import { gitSshKeyRoutes } from './features/git-ssh-keys/routes.ts'
import { instanceIdentityRoutes } from './features/instance-identity/routes.ts'
import { organizationRoutes } from './features/organizations/routes.ts'
import { roleRoutes } from './features/roles/routes.ts'
import { quotaRoutes } from './features/quotas/routes.ts'
import { parameterRoutes } from './features/parameters/routes.ts'
import { sessionRoutes } from './features/sessions/routes.ts'
import { dryRunRoutes } from './features/template-versions/dry-run-routes.ts'
import { templateVersionRoutes } from './features/template-versions/routes.ts'
import { templateRoutes } from './features/templates/routes.ts'
import { userRoutes } from './features/users/routes.ts'
import { workspaceRoutes } from './features/workspaces/routes.ts'
import type { AgentRow } from './database/rows.ts'
import type { FoundByPath } from './gate/found-by-path.ts'
import { createGate } from './gate/create-gate.ts'
import type { Origin } from './http/caller.ts'
import { clientAddress } from './http/client-address.ts'
import { CSRF_COOKIE, readCookies, setCookieText } from './http/cookies.ts'
import { setPageHeaders } from './http/page-headers.ts'
import { redirectToTls } from './http/redirect-to-tls.ts'
import { sendFailure } from './http/send-failure.ts'
import { pathOf, queryOf } from './http/request-target.ts'
import { serve, type Gate, type Route } from './http/serve.ts'
import { CSRF_TOKEN_BYTES, sentToken } from './http/session-token.ts'
import { WebSocketUpgrades } from './http/websocket-upgrade.ts'

export interface AppOptions {
  readonly services: Services
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
}

export interface App {
  readonly listener: RequestListener
  readonly upgrades: WebSocketUpgrades
}

/** The HTTP face of the server: the API below /api/v2, and a word of greeting for people who come with a browser. */
export function createApp(options: AppOptions): App {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const upgrades = new WebSocketUpgrades(
    (request, response) => app(request as Parameters<typeof app>[0], response as Parameters<typeof app>[1]),
    (protocol, path) => protocol === 'derp' && path === DERP_PATH,
  )
  const { services, config, clock } = options
  const derp = derpHandler({ service: services.derp, upgrades, clock, connectionRateLimit: config.apiRateLimit })
  app.use(announce(options))
  const { tls, tlsRedirectHttp, accessUrl } = options.config
  if (tls !== undefined && tlsRedirectHttp && accessUrl?.startsWith('https:') === true) app.use(redirectToTls(accessUrl))
  app.get('/healthz', (_request, response) => {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end('OK')
  })
  app.get(`${DERP_PATH}/latency-check`, answerLatencyCheck)
  app.all(DERP_PATH, (request, response) => derp(request, response, originOf(response)))
  app.use('/api/v2', apiRouter(options, upgrades))
  app.use(apiReferenceRoutes({ hasSwagger: options.config.swaggerEnable }))
  app.use(agentBinaryRoutes(services.agentBinaries))
  app.get('/gitauth/:provider/callback', gitAuthHandler(options))
  app.use((_request, response) => {
    setPageHeaders(response)
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    response.end(`Berth ${options.version} is running. Its API is below /api/v2; sign in with: berth login <this address>\n`)
  })
  app.use(failureHandler(options.logger))
  return { listener: app, upgrades }
}

/** Below the root, since providers are told of this address by people, who need not know where the API is. */
function gitAuthHandler({ services, config: { secureAuthCookie } }: AppOptions): RequestHandler {
  const callback = gitAuthCallback({
    service: services.gitAuth,
    identify: async (request, response) =>
      await services.sessions.identify(sentToken(request, queryOf(request.url))?.token, originOf(response)),
    secureAuthCookie,
  })
  return async (request, response, next) => {
    if (!(await callback(request, response, String(request.params['provider'])))) next()
  }
}

function apiRouter({ services, config, clock }: AppOptions, upgrades: WebSocketUpgrades): Router {
  const { resources } = services
  const { apiRateLimit, secureAuthCookie } = config
  const gate = createGate({ ...services, clock, apiRateLimit })
  const kit = { gate, upgrades, openSessions: services.openSessions }
  const routes: Route[] = [
    ...serve(api.applications, applicationRoutes(services.deployment, new AppSignIn({ ...config, ...services })), kit),
    ...serve(api.groups, groupRoutes(services.groups), kit),
    ...serve(api.quotas, quotaRoutes(services.quotas), kit),
    ...serve(api.audit, auditRoutes(services.audit), kit),
    ...serve(api.deployment, deploymentRoutes(services.deployment), kit),
    ...serve(api.users, userRoutes({ service: services.users, changes: services.userChanges }), kit),
    ...serve(
      api.sessions,
      sessionRoutes(services.sessions, {
        secureAuthCookie,
        accessHost: services.deployment.accessHost(),
        isConfigured: (type) => services.externalSignIn.isConfigured(type),
      }),
      kit,
    ),
    ...serve(api.externalSignIn, externalSignInRoutes(services.externalSignIn, { secureAuthCookie, accessUrl: services.accessUrl }), kit),
    ...serve(api.organizations, organizationRoutes(services.organizations), kit),
    ...serve(api.roles, roleRoutes(services.roles), kit),
    ...serve(api.authorization, authorizationRoutes(services.authorization), kit),
    ...serve(api.files, fileRoutes(services.files), kit),
    ...serve(api.templates, templateRoutes(services.templates, services.templateAccess, services.examples), kit),
    ...serve(
      api.templateVersions,
      templateVersionRoutes({ service: services.versions, templates: services.templates, resources, clock }),
      kit,
    ),
    ...serve(api.dryRuns, dryRunRoutes({ service: services.dryRuns, resources, clock }), kit),
    ...serve(api.parameters, parameterRoutes(services.parameters), kit),
    ...serve(api.workspaces, workspaceRoutes({ service: services.workspaces, watches: services.watches, resources, clock }), kit),
    ...serve(api.builds, buildRoutes({ service: services.builds, resources, clock }), kit),
    ...serve(api.gitSshKeys, gitSshKeyRoutes(services.gitSshKeys, services.agents), kit),
    ...serve(api.gitAuth, gitAuthRoutes(services.gitAuth, services.agents), kit),
    ...serve(api.agents, agentRoutes({ service: services.agents, tunnels: services.tunnels, resources }), kit),
    ...serve(api.instanceIdentity, instanceIdentityRoutes(services.instanceIdentity), kit),
    ...serve(api.coordinator, coordinatorRoutes(services.coordinator), kit),
  ]
  return mount(routes, gate)
}

/** Mounts routes so that fixed words win over parameters, a known path with another method is 405, and any other path 404. */
function mount(routes: readonly Route[], gate: Gate<FoundByPath, AgentRow>): Router {
  const router = Router({ strict: true, caseSensitive: true })
  const byPath = new Map<string, Route[]>()
  for (const route of routes) {
    const { path, trailingSlash } = route.spec
    // The router's own mount point answers with and without a slash already.
    const pattern = trailingSlash === true && path !== '/' ? `${path}{/}` : path
    byPath.set(pattern, [...(byPath.get(pattern) ?? []), route])
  }
  const patterns = [...byPath].sort(([a], [b]) => compareSpecificity(a, b))
  for (const [pattern, served] of patterns) {
    router.all(pattern, (request, response, next) => {
      const route = served.find(({ spec }) => spec.method === request.method)
      if (route === undefined) return next()
      const { params } = request
      return route.handle(Object.assign(request, { params: params as Record<string, string> }), response, originOf(response))
    })
  }
  for (const [pattern] of patterns) {
    router.all(pattern, (request, response) => {
      limitUnmatched(gate, request, response)
      response.statusCode = 405
      response.end()
    })
  }
  router.use(notFound(routes, gate))
  return router
}

/** A fixed word before a parameter, from left to right. */
function compareSpecificity(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [isLeftOpen, isRightOpen] = [left[index]?.startsWith(':') ?? false, right[index]?.startsWith(':') ?? false]
    if (isLeftOpen !== isRightOpen) return isLeftOpen ? 1 : -1
  }
  return 0
}

/** Nothing is there. Below a resource the session and the spelling of its parameters are looked at first (Coder v2 API, v0.13.4). */
function notFound(routes: readonly Route[], gate: Gate<FoundByPath, AgentRow>): RequestHandler {
  return async (request, response) => {
    const above = resourceAbove(routes, pathOf(request.url))
    if (above === undefined) limitUnmatched(gate, request, response)
    else await above.route.approach(Object.assign(request, { params: above.params }), response, originOf(response))
    throw new Failure('route_not_found')
  }
}

/** The resource with the longest path that the given one goes on from. Those that answer with a slash at their end have more below them. */
function resourceAbove(routes: readonly Route[], path: string): { route: Route; params: Record<string, string> } | undefined {
  const words = path.split('/')
  const candidates = routes
    .filter(({ spec }) => spec.trailingSlash === true && spec.path !== '/')
    .map((route) => ({ route, pattern: route.spec.path.split('/') }))
    .filter(({ pattern }) => pattern.length < words.length && pattern.every((word, index) => word.startsWith(':') || word === words[index]))
    // What begins with fixed words of its own, such as the agent's own paths, is not what a parameter names.
    .filter(
      ({ pattern }) =>
        !pattern.at(-1)?.startsWith(':') ||
        !routes.some(({ spec }) => `${spec.path}/`.startsWith(`${words.slice(0, pattern.length).join('/')}/`)),
    )
    .sort((a, b) => b.pattern.length - a.pattern.length)
  const [longest] = candidates
  if (longest === undefined) return undefined
  const { route, pattern } = longest
  const named = pattern.flatMap((word, index) => (word.startsWith(':') ? [[word.slice(1), decodeURIComponent(words[index] ?? '')]] : []))
  return { route, params: Object.fromEntries(named) as Record<string, string> }
}

function limitUnmatched(gate: Gate<FoundByPath, AgentRow>, request: IncomingMessage, response: ServerResponse): void {
  gate.limit({
    spec: undefined,
    path: pathOf(request.url),
    actor: undefined,
    origin: originOf(response),
    request,
    response,
  })
}

const origins = new WeakMap<ServerResponse, Origin>()

function originOf(response: ServerResponse): Origin {
  return origins.get(response) ?? { request_id: randomUUID(), ip: '', user_agent: '' }
}

/** What every response carries, and the one line that the log has of it. Nothing of the query is logged: a token may be in it. */
function announce({ logger, clock, version, config: { secureAuthCookie, trustedProxies } }: AppOptions): RequestHandler {
  return (request, response, next) => {
    const startedAt = clock.now().getTime()
    const origin: Origin = {
      request_id: randomUUID(),
      ip: clientAddress(request, trustedProxies),
      user_agent: request.headers['user-agent'] ?? '',
    }
    origins.set(response, origin)
    response.setHeader('X-Coder-Request-Id', origin.request_id)
    response.setHeader('X-Coder-Build-Version', version)
    response.setHeader('Vary', 'Cookie')
    if (Buffer.from(readCookies(request)[CSRF_COOKIE] ?? '', 'base64').length !== CSRF_TOKEN_BYTES) {
      response.appendHeader('Set-Cookie', setCookieText(CSRF_COOKIE, randomBytes(CSRF_TOKEN_BYTES).toString('base64'), secureAuthCookie))
    }
    response.on('close', () => {
      const { statusCode } = response
      const line = {
        request_id: origin.request_id,
        method: request.method,
        path: pathOf(request.originalUrl),
        status: statusCode,
        ms: clock.now().getTime() - startedAt,
        ip: origin.ip,
      }
      logger[statusCode >= 500 ? 'warn' : 'debug'](line, 'request')
    })
    next()
  }
}

/** The one translator from what was thrown to what is sent. What nobody expected is logged in full and sent as a bare 500. */
function failureHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const { request_id } = originOf(response)
    if (Failure.is(error)) {
      if (error.code === 'upgrade_required') response.setHeader('Upgrade', 'websocket')
      sendFailure(error, response)
    } else if (error instanceof URIError) {
      sendFailure(new Failure('invalid_url', { cause: error }), response)
    } else if (isConnectionError(error)) {
      logger.warn({ err: error, request_id }, 'the database could not be reached')
      sendFailure(new Failure('unavailable'), response)
    } else if (isAborted(error)) {
      response.destroy()
    } else {
      logger.error({ err: error, request_id }, 'request failed')
      sendFailure(new Failure('internal'), response)
    }
  }
}

/** The client left while its body was being read. */
function isAborted(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
}
