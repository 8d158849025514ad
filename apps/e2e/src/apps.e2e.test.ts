import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import type { Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createDeployment, FIRST_USER, type Deployment } from './deployment.ts'
import { hostileApp } from './hostile-app.ts'

/*
 * Apps of a real workspace in a real browser. A visitor who is signed in opens an app that tries to
 * act for them.
 */

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

let deployment: Deployment
let client: Client
let browser: Browser
let context: BrowserContext
let workspace: Workspace
let agent: string
let port: number

beforeAll(async () => {
  const executablePath = BROWSERS.find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('This test needs Chromium: apt-get install -y --no-install-recommends chromium')
  const starting = chromium.launch({ executablePath, args: ['--no-sandbox'] })
  deployment = await createDeployment({ BERTH_WILDCARD_ACCESS_URL: '*.apps.localhost', BERTH_APPS_ADDRESS: '127.0.0.1:0' })
  client = await deployment.signIn()
  port = await freePort()
  await createTemplate()
  const created = await deployment.berth(['create', 'dev', '-t', 'apps', '-y'])
  expect(created, created.stderr).toMatchObject({ exitCode: 0 })
  workspace = await client.workspaces.get('dev')
  agent = workspace.latest_build.resources[0]?.agents?.[0]?.id ?? ''
  browser = await starting
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await deployment?.remove()
})

/** A template whose workspaces run the hostile app. Signs the command line in as well. */
async function createTemplate(): Promise<void> {
  const { session_token } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  expect(await deployment.berth(['login', deployment.server.url, '--token', session_token])).toMatchObject({ exitCode: 0 })
  const folder = join(deployment.homeDirectory, 'apps')
  await mkdir(folder)
  await writeFile(
    join(folder, 'template.yaml'),
    `name: apps
local: {}
agents:
  - name: main
    startup_script: |
      printf '%s' "$APP" > ~/app.mjs
      nohup "${process.execPath}" ~/app.mjs ${port} > ~/app.log 2>&1 &
    env:
      APP: |
${hostileApp.replace(/^/gm, '        ')}
    apps:
      - slug: hostile
        url: http://localhost:${port}
`,
  )
  const made = await deployment.berth(['templates', 'create', 'apps', '-d', folder, '-y'])
  expect(made, made.stderr).toMatchObject({ exitCode: 0 })
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  const { port: free } = listener.address() as AddressInfo
  await new Promise((resolve) => listener.close(resolve))
  return free
}

beforeEach(async () => {
  context = await browser.newContext()
  const { session_token: value } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  await context.addCookies([{ name: 'coder_session_token', value, url: deployment.server.url, httpOnly: true, sameSite: 'Lax' }])
  return async () => await context.close()
})

/** Opens an address until the app has started, and returns its page. */
async function open(url: string): Promise<Page> {
  const page = await context.newPage()
  await eventually(async () => {
    await page.goto(url)
    return (await page.title()) === 'hostile' ? true : undefined
  })
  return page
}

const addresses = (): Record<string, string> => ({
  path: `${deployment.server.url}/@me/dev/apps/hostile/`,
  'sub-domain': `http://hostile--main--dev--ada.apps.localhost:${deployment.server.port}/`,
  port: `http://${port}--main--dev--ada.apps.localhost:${deployment.server.port}/`,
})

describe.each(['path', 'sub-domain', 'port'])('an app by %s', (form) => {
  test('can neither read the API as its visitor, nor start a build, nor open a terminal, nor read or set the session cookie', async () => {
    verifies('berth:apps:powerless')
    verifies('berth:apps:localhost')
    const page = await open(addresses()[form] ?? '')
    expect(new URL(page.url()).origin).not.toBe(deployment.server.url)
    const input = { main: deployment.server.url, workspace: workspace.id, agent }
    const got = await page.evaluate<Record<string, string>>(`attack(${JSON.stringify(input)})`)
    expect(got).toMatchObject({ me: 'failed', build: 'failed', socket: 'failed', socketHere: 'failed' })
    expect(got['meHere']).toMatch(/^404 /)
    expect([got['cookie'], got['seen']]).toEqual([
      expect.not.stringMatching(/coder_(?!session_token=evil)/),
      expect.stringMatching(/^200 mine=1$/),
    ])
    const { latest_build } = await client.workspaces.get('dev')
    expect(latest_build.id).toBe(workspace.latest_build.id)
  })
})

test('the browser of these tests is signed in: a page of the server reads what the app could not', async () => {
  verifies('berth:apps:powerless')
  const page = await context.newPage()
  await page.goto(`${deployment.server.url}/`)
  const status = await page.evaluate(`fetch('/api/v2/users/me').then((answer) => answer.status)`)
  expect(status).toBe(200)
})

test('berth ports share opens a port to others, ports list shows it, and the level owner closes it', async () => {
  verifies('berth:cli:ports')
  const url = `http://${port}--main--dev--ada.apps.localhost:${deployment.server.port}/`
  const stranger = await browser.newContext()
  onTestFinished(async () => await stranger.close())
  const page = await stranger.newPage()
  const asStranger = async (): Promise<string> => {
    await page.goto(url)
    return await page.title()
  }
  expect(await asStranger()).not.toBe('hostile')
  const shared = await deployment.berth(['ports', 'share', 'dev', String(port), '--level', 'public'])
  expect(shared, shared.stderr).toMatchObject({
    exitCode: 0,
    stdout: `Everybody may open port ${port} until the workspace stops.\n${url}\n`,
  })
  expect(await asStranger()).toBe('hostile')
  expect((await deployment.berth(['ports', 'list', 'dev'])).stdout).toMatch(new RegExp(`${port} +public +${url}`))
  const closed = await deployment.berth(['ports', 'share', 'dev', String(port), '--level', 'owner'])
  expect(closed).toMatchObject({ exitCode: 0, stdout: `Only the owner may open port ${port} until the workspace stops.\n${url}\n` })
  expect(await asStranger()).not.toBe('hostile')
  expect((await deployment.berth(['ports', 'share', 'dev', '3000', '--level', 'all'])).stderr).toContain('owner, authenticated, public')
})
