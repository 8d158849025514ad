import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Router, type Request, type Response } from 'express'
import { setPageHeaders } from '../../http/page-headers.ts'

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Berth API</title></head>
<body>
<div id="reference"></div>
<noscript>The API reference needs JavaScript. The document it shows is at <a href="/api/v2/openapi.json">/api/v2/openapi.json</a>.</noscript>
<script src="/docs/api-reference.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`
/**
 * Turns off everything that would load from elsewhere: fonts, telemetry, a request proxy and an
 * assistant.
 */
const START = `Scalar.createApiReference('#reference', ${JSON.stringify({
  url: '/api/v2/openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
})})
`
/** The build puts the script beside this module. In the sources it is in the installed package. */
const BUILT_SCRIPT = fileURLToPath(new URL('./api-reference.js', import.meta.url))
const PACKAGE = '@scalar/api-reference'
const SCRIPT_MAX_AGE_SECONDS = 3_600

interface Script {
  readonly plain: Buffer
  readonly gzipped: Buffer
}

/**
 * Serves the API reference at `/docs`. If set, `/swagger` redirects there (Coder v2 API, v0.13.4:
 * the path of Swagger UI).
 */
export function apiReferenceRoutes({ hasSwagger }: { readonly hasSwagger: boolean }): Router {
  const router = Router()
  let script: Promise<Script> | undefined
  router.get('/docs', (_request, response) => {
    setPageHeaders(response)
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(PAGE)
  })
  router.get('/docs/start.js', (_request, response) => {
    beginScript(response)
    response.end(START)
  })
  router.get('/docs/api-reference.js', (request, response) => {
    script ??= loadScript()
    return sendScript(script, { request, response })
  })
  if (hasSwagger) {
    router.get('/swagger/doc.json', (_request, response) => response.redirect(307, '/api/v2/openapi.json'))
    router.get(['/swagger', '/swagger/{*rest}'], (_request, response) => response.redirect(307, '/docs'))
  }
  return router
}

function beginScript(response: Response): void {
  setPageHeaders(response)
  response.setHeader('Content-Type', 'text/javascript; charset=utf-8')
}

async function sendScript(
  script: Promise<Script>,
  { request, response }: { readonly request: Request; readonly response: Response },
): Promise<void> {
  const { plain, gzipped } = await script
  beginScript(response)
  response.appendHeader('Vary', 'Accept-Encoding')
  // The script changes only with the server's version.
  response.setHeader('Cache-Control', `public, max-age=${SCRIPT_MAX_AGE_SECONDS}`)
  const takesGzip = request.acceptsEncodings('gzip') === 'gzip'
  if (takesGzip) response.setHeader('Content-Encoding', 'gzip')
  response.end(takesGzip ? gzipped : plain)
}

async function loadScript(): Promise<Script> {
  const plain = await readFile(BUILT_SCRIPT).catch(async () => await readFile(installedScript()))
  return { plain, gzipped: await promisify(gzip)(plain) }
}

function installedScript(): string {
  const [entry = ''] = createRequire(import.meta.url)
    .resolve(PACKAGE)
    .split('/dist/')
  return `${entry}/dist/browser/standalone.js`
}
