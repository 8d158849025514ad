import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import { eventually } from '@berth/server/testing'
import { spawn } from '@lydell/node-pty'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FIRST_USER, createDeployment, type Deployment } from './deployment.ts'

/* What the command line asks on a terminal, answered by keys. */

const BERTH = fileURLToPath(new URL('../../cli/bin/berth.js', import.meta.url))
const ENTER = '\r'
const DOWN = '\u001B[B'

let deployment: Deployment
beforeAll(async () => {
  deployment = await createDeployment()
  const client = await deployment.signIn()
  const { session_token } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
  expect(await deployment.berth(['login', deployment.server.url, '--token', session_token])).toMatchObject({ exitCode: 0 })
}, 60_000)
afterAll(async () => await deployment.remove())

/** A command on a terminal. `answer` waits until something is asked, and types. */
function onTerminal(words: readonly string[]) {
  const { homeDirectory } = deployment
  const terminal = spawn(process.execPath, [BERTH, ...words], {
    cwd: homeDirectory,
    env: { PATH: process.env['PATH'], HOME: homeDirectory, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    cols: 100,
    rows: 40,
  })
  let screen = ''
  terminal.onData((text) => (screen += text))
  const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)))
  return {
    ended,
    screen: () => screen,
    async answer(question: string, keys: string): Promise<void> {
      await eventually(async () => await Promise.resolve(screen.includes(question) || undefined), { timeoutMs: 20_000 }).catch(() => {
        throw new Error(`"${question}" was not asked:\n${screen}`)
      })
      terminal.write(keys)
    },
  }
}

test('a template asks for the values it lacks, and lets one choose where there is a choice', { timeout: 60_000 }, async () => {
  verifies('berth:cli:questions')
  expect(await deployment.berth(['templates', 'init', 'kubernetes'])).toMatchObject({ exitCode: 0 })
  const terminal = onTerminal(['templates', 'create', 'pods', '-d', 'kubernetes'])
  await terminal.answer('create the template pods?', ENTER)
  await terminal.answer('use_kubeconfig: ', `${DOWN}${ENTER}`)
  await terminal.answer('namespace: ', `workspaces${ENTER}`)
  expect(await terminal.ended, terminal.screen()).toBe(0)

  const client = await deployment.signIn()
  const organization = (await client.organizations.listOfUser({ params: { user: 'me' } }))[0]?.id ?? ''
  const template = await client.templates.getByName({ params: { organization, templatename: 'pods' } })
  const values = await client.templateVersions.parameters({ params: { templateversion: template.active_version_id } })
  expect(Object.fromEntries(values.map(({ name, source_value }) => [name, source_value]))).toMatchObject({
    use_kubeconfig: 'false',
    namespace: 'workspaces',
  })
})
