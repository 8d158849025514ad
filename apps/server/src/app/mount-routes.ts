import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '@berth/schema'
import { Router, type RequestHandler } from 'express'
import { pathOf } from '../http/request-target.ts'
import type { CallerGate } from '../http/identify.ts'
import type { Route } from '../http/serve.ts'
import { originOf } from './request-origin.ts'

type Limits = Pick<CallerGate<unknown>, 'limit'>

/**
 * Mounts routes. Fixed words win over parameters; a known path with another method is 405, and any
 * other path 404.
 */
export function mountRoutes(routes: readonly Route[], gate: Limits): Router {
  const router = Router({ strict: true, caseSensitive: true })
  const byPath = new Map<string, Route[]>()
  for (const route of routes) {
    const { path, trailingSlash } = route.spec
    // The mount point itself already answers with and without a slash.
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

/** Sorts fixed words before parameters, from left to right. */
function compareSpecificity(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [isLeftOpen, isRightOpen] = [left[index]?.startsWith(':') ?? false, right[index]?.startsWith(':') ?? false]
    if (isLeftOpen !== isRightOpen) return isLeftOpen ? 1 : -1
  }
  return 0
}

/**
 * Answers 404. Below a resource, the session and the spelling of its parameters are checked first
 * (Coder v2 API, v0.13.4).
 */
function notFound(routes: readonly Route[], gate: Limits): RequestHandler {
  return async (request, response) => {
    const above = resourceAbove(routes, pathOf(request.url))
    if (above === undefined) limitUnmatched(gate, request, response)
    else await above.route.approach(Object.assign(request, { params: above.params }), response, originOf(response))
    throw new Failure('route_not_found')
  }
}

/**
 * Returns the resource with the longest path that the given path continues. Resources that answer
 * with a slash at their end have more below them.
 */
function resourceAbove(routes: readonly Route[], path: string): { route: Route; params: Record<string, string> } | undefined {
  const words = path.split('/')
  const candidates = routes
    .filter(({ spec }) => spec.trailingSlash === true && spec.path !== '/')
    .map((route) => ({ route, pattern: route.spec.path.split('/') }))
    .filter(({ pattern }) => pattern.length < words.length && pattern.every((word, index) => word.startsWith(':') || word === words[index]))
    // A parameter doesn't name what has a fixed path of its own, such as the agent's paths.
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

function limitUnmatched(gate: Limits, request: IncomingMessage, response: ServerResponse): void {
  gate.limit({
    spec: undefined,
    path: pathOf(request.url),
    actor: undefined,
    origin: originOf(response),
    request,
    response,
  })
}
