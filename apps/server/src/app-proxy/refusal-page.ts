import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure } from '@berth/schema'
import { sendFailure } from '../http/send-failure.ts'
import { writeJson } from '../http/json-writer.ts'
import { AppRefusal } from '../features/apps/app-refusal.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: "This address isn't right",
  404: 'Not found',
  429: 'Too many requests',
  502: "The app doesn't answer",
}

/** Answers a request for an app with the reason why it can't be shown. Rethrows other errors. */
export function sendRefusal(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const isForBrowser = (request.headers.accept ?? '').includes('text/html')
  if (Failure.is(error)) {
    if (!isForBrowser) return sendFailure(error, response)
    return sendPage(response, {
      status: error.status,
      message: error.message,
      advice: error.detail ?? adviceOf(error.status),
    })
  }
  if (!(error instanceof AppRefusal)) throw error
  if (error.form === 'page' || (error.form === 'page-or-json' && isForBrowser)) return sendPage(response, error)
  response.statusCode = error.status
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(writeJson({ message: error.message, detail: error.advice }))
}

function adviceOf(status: number): string {
  if (status === 400 || status === 404) return 'Check the address, and whether the workspace still exists.'
  return 'Wait a moment, then load this page again.'
}

function sendPage(response: ServerResponse, { status, message, advice }: Pick<AppRefusal, 'status' | 'message' | 'advice'>): void {
  const title = TITLES[status] ?? "The app can't be shown"
  response.statusCode = status
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:38em;margin:15vh auto;padding:0 1em;color-scheme:light dark}small{opacity:.6}</style>
<h1>${escaped(title)}</h1>
<p>${escaped(message)}</p>
<p>${escaped(advice)}</p>
<small>${status} · Berth</small>
</html>
`)
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
