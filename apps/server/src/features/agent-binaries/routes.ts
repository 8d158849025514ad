import { basename, dirname } from 'node:path'
import { Router, type Request, type Response } from 'express'
import { setPageHeaders } from '../../http/page-headers.ts'
import type { AgentBinaries, AgentBinary } from './agent-binaries.ts'

/**
 * Serves the files below `/bin/` to everyone: a workspace has no session yet when it downloads its
 * agent (Coder v2 API, v0.13.4).
 */
export function agentBinaryRoutes(binaries: AgentBinaries): Router {
  const router = Router({ strict: true, caseSensitive: true })
  router.get('/bin', (_request, response) => response.redirect(301, '/bin/'))
  router.get('/bin/', (_request, response) => sendListing(binaries.list(), response))
  router.get('/bin/:name', (request, response) => sendBinary(binaries.find(request.params.name), request, response))
  router.get('/bin/{*rest}', (_request, response) => notFound(response))
  return router
}

function notFound(response: Response): void {
  response.statusCode = 404
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end('404 page not found\n')
}

async function sendListing(names: Promise<string[]>, response: Response): Promise<void> {
  const links = (await names).map((name) => `<a href="./${encodeURIComponent(name)}">${escapeHtml(name)}</a>\n`)
  setPageHeaders(response)
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.end(`<pre>\n${links.join('')}</pre>\n`)
}

/**
 * Sends the compressed copy if the client accepts it, rather than compressing the file for each
 * workspace.
 */
async function sendBinary(found: Promise<AgentBinary | undefined>, request: Request, response: Response): Promise<void> {
  const binary = await found
  if (binary === undefined) return notFound(response)
  const gzipped = request.acceptsEncodings('gzip', 'identity') === 'gzip' ? binary.gzippedPath : undefined
  response.setHeader('Content-Type', 'application/octet-stream')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.appendHeader('Vary', 'Accept-Encoding')
  if (gzipped !== undefined) response.setHeader('Content-Encoding', 'gzip')
  const sent = gzipped ?? binary.path
  await new Promise<void>((resolve, reject) => {
    // The folder's name may start with a dot, which only a root may.
    response.sendFile(basename(sent), { root: dirname(sent), cacheControl: false }, (error?: Error) => {
      if (error === undefined || response.headersSent || response.closed) resolve() // a client that disconnected needs nothing more
      else reject(error)
    })
  })
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
