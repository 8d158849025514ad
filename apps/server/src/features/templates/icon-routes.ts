import { Router } from 'express'
import { setPageHeaders } from '../../http/page-headers.ts'

const MAX_AGE_SECONDS = 86_400

/** Icons of the starter templates, by file name. */
const ICONS: Readonly<Record<string, string>> = {
  'terminal.svg': `<rect x="2" y="4" width="20" height="16" rx="2" fill="#1f2933"/><path d="M6 9l3 3-3 3M12 15h5" fill="none" stroke="#9fe0a5" stroke-width="2"/>`,
  'kubernetes.svg': `<path d="M12 2l9 5v10l-9 5-9-5V7z" fill="#326ce5"/><circle cx="12" cy="12" r="4" fill="none" stroke="#fff" stroke-width="2"/><path d="M12 4v4M12 16v4M5 8l3.5 2M15.500 14L19 16M19 8l-3.500 2M8.500 14L5 16" stroke="#fff" stroke-width="2"/>`,
}

/** Serves the icons that the starter templates name, below `/icon`. */
export function iconRoutes(): Router {
  const router = Router()
  for (const [name, shapes] of Object.entries(ICONS))
    router.get(`/icon/${name}`, (_request, response) => {
      setPageHeaders(response)
      response.setHeader('Content-Type', 'image/svg+xml')
      response.setHeader('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`)
      response.end(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${shapes}</svg>`)
    })
  return router
}
