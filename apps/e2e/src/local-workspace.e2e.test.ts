import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import { eventually } from '@berth/server/testing'
import { spawn } from '@lydell/node-pty'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FIRST_USER, createDeployment, type Deployment } from './deployment.ts'

/*
 * What a local workspace is given, seen over SSH: with and without a sandbox, from a server whose
 * launcher left files open.
 */

const BERTH = fileURLToPath(new URL('../../cli/bin/berth.js', import.meta.url))
const leaveOpen = ['/bin/bash', '-c', 'exec 3<<<leaked 30<<<leaked 300<<<leaked; exec "$@"', 'launcher']
const isRoot = process.getuid?.() === 0
const hasNameWrapper = spawnSync('/bin/sh', ['-c', 'LD_PRELOAD=libnss_wrapper.so id -u']).stderr.length === 0
const isSandboxed = (home: string): boolean => home === '/home/ada'

describe.each(['auto', 'off'])('with BERTH_LOCAL_SANDBOX=%s', (sandbox) => {
  let deployment: Deployment

  beforeAll(async () => {
    deployment = await createDeployment({ BERTH_LOCAL_SANDBOX: sandbox }, { through: leaveOpen })
    const { email, password } = FIRST_USER
    const { session_token } = await (await deployment.signIn()).sessions.login({ body: { email, password } })
    expect(await deployment.berth(['login', deployment.server.url, '--token', session_token])).toMatchObject({ exitCode: 0 })
    const created = await deployment.berth(['create', 'dev', '-t', 'local-starter', '-y'])
    expect(created, created.stderr).toMatchObject({ exitCode: 0 })
  }, 90_000)
  afterAll(async () => await deployment.remove())

  const inside = async (script: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await deployment.berth(['ssh', 'dev', '--', script])
    expect(exitCode, stderr).toBe(0)
    return stdout
  }

  test('it has descriptors 0 to 2 only', async () => {
    verifies('berth:local:no-descriptors')
    expect(await inside('ls /proc/$$/fd; :')).toBe('0\n1\n2\n')
    const { exitCode, stdout } = await deployment.berth(['ssh', 'dev', '--', 'bash -c "cat <&30"'])
    expect(exitCode).not.toBe(0)
    expect(stdout).toBe('')
  })

  test('it has the limits of the settings', async () => {
    verifies('berth:local:limits')
    const limits = await inside('cat /proc/self/limits')
    for (const limit of [/^Max processes +\d+ +8192 /m, /^Max file size +\d+ +68719476736 /m, /^Max data size +\d+ +17179869184 /m])
      expect(limits).toMatch(limit)
  })

  test('its user has the name of its owner in a sandbox, and for root with libnss-wrapper', async () => {
    verifies('berth:local:named')
    const home = (await inside('echo "$HOME"')).trim()
    const [whoami, user, logname, passwd] = (
      await inside('whoami || echo; echo "$USER"; echo "$LOGNAME"; getent passwd "$(id -u)" || echo')
    ).split('\n')
    expect({ user, logname }).toEqual({ user: 'ada', logname: 'ada' })
    const isNamed = isSandboxed(home) || (isRoot && hasNameWrapper)
    expect(whoami).toBe(isNamed ? 'ada' : isRoot ? '' : userInfo().username)
    if (isNamed) expect(passwd).toMatch(new RegExp(`^ada:x:\\d+:\\d+::${home}:${(await inside('echo "$SHELL"')).trim()}$`))
  })

  test('a shell begins with the greeting of the starter template, and knows its user', async () => {
    verifies('berth:agent:greeting')
    const { homeDirectory } = deployment
    const terminal = spawn(process.execPath, [BERTH, 'ssh', 'dev'], {
      cwd: homeDirectory,
      env: { PATH: process.env['PATH'], HOME: homeDirectory, TERM: 'xterm', LANG: 'C.UTF-8' },
      cols: 100,
      rows: 40,
    })
    let screen = ''
    terminal.onData((text) => (screen += text))
    await eventually(async () => await Promise.resolve(screen.includes('$ ') || undefined), { timeoutMs: 20_000 })
    terminal.kill()
    expect(screen).toMatch(/^Welcome to your workspace\./)
    const isNamed = !isRoot || hasNameWrapper || isSandboxed((await inside('echo "$HOME"')).trim())
    if (isNamed) expect(screen).not.toContain('I have no name!')
  })
})
