import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@berth/requirements'
import { watchWorkspace, type Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FIRST_USER, createDeployment, type CommandResult, type Deployment } from './deployment.ts'

/* The first hour of somebody who has cloned the project: every word typed into the built CLI, against the built server, with a workspace that really runs. */

let deployment: Deployment
let client: Client
beforeAll(async () => {
  deployment = await createDeployment()
})
afterAll(async () => await deployment.remove())

const succeeds = (result: CommandResult): string => {
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return result.stdout
}

describe.sequential('from an empty server to a shell and back', () => {
  test('the server says where it is, how to sign in and what to type next', async () => {
    verifies('berth:start:one-command')
    const said = await eventually(async () => /Logs follow/.exec(deployment.server.output())?.input)
    expect(said).toContain(deployment.server.url)
    expect(said).toContain('berth login')
    expect(said).toContain('berth create dev')
  })

  test('without a session a command says how to log in', async () => {
    verifies('berth:cli:signed-out', 'berth:cli:exit-status')
    const { exitCode, stderr, stdout } = await deployment.berth(['list'])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('berth login')
    expect(stdout).toBe('')
  })

  test('berth login creates the first user, who finds the starter template', async () => {
    verifies('berth:cli:first-user', 'berth:start:auto-import')
    const { email, username, password } = FIRST_USER
    succeeds(
      await deployment.berth([
        'login',
        deployment.server.url,
        '--first-user-email',
        email,
        '--first-user-username',
        username,
        '--first-user-password',
        password,
      ]),
    )
    client = await deployment.signIn()
    const templates = JSON.parse(succeeds(await deployment.berth(['templates', 'list', '-o', 'json']))) as { name: string }[]
    expect(templates.map(({ name }) => name)).toEqual(['local-starter'])
  })

  test('a template goes from a folder to the server, and a second version after it', async () => {
    verifies('berth:cli:templates')
    succeeds(await deployment.berth(['templates', 'init', 'local-starter']))
    const folder = join(deployment.homeDirectory, 'local-starter')
    expect(existsSync(join(folder, 'template.yaml'))).toBe(true)
    succeeds(await deployment.berth(['templates', 'create', 'mine', '-d', folder, '-y']))
    succeeds(await deployment.berth(['templates', 'push', 'mine', '-d', folder, '-y']))
    const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
    const template = await client.templates.getByName({ params: { organization: organization?.id ?? '', templatename: 'mine' } })
    const versions = await client.templateVersions.listOfTemplate({ params: { template: template.id } })
    expect(versions).toHaveLength(2)
    expect(template.active_version_id).toBe(versions[1]?.id)
  })

  test('an error in a template names the file, the line and the column', async () => {
    verifies('berth:templates:error-position')
    const folder = join(deployment.homeDirectory, 'broken')
    await mkdir(folder)
    await writeFile(join(folder, 'template.yaml'), 'name: broken\nlocal: {}\nagents:\n  - name: main\n    startup_scrpt: echo\n')
    const { exitCode, stderr } = await deployment.berth(['templates', 'create', 'broken', '-d', folder, '-y'])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/template\.yaml:5:5: .*startup_scrpt/)
  })

  test('berth create shows the stages and ends when the workspace is up', async () => {
    verifies('berth:cli:create')
    const { exitCode, stdout, stderr } = await deployment.berth(['create', 'dev', '-t', 'mine', '-y'])
    expect(exitCode, stderr).toBe(0)
    const said = stdout + stderr
    for (const stage of ['Setting up', 'Starting workspace', 'Cleaning Up']) expect(said).toContain(stage)
    expect(said).toContain('berth ssh dev')
  })

  test('a command in the workspace prints from inside and passes its exit status through', async () => {
    verifies('berth:cli:ssh-exit-status', 'berth:agent:exec')
    const { exitCode, stdout } = await deployment.berth(['ssh', 'dev', '--', 'echo $HOME; uname -s; exit 7'])
    expect(stdout).toMatch(/^\/.+\nLinux\n$/)
    expect(exitCode).toBe(7)
    expect((await deployment.berth(['ssh', 'dev', '--', 'kill -9 $$'])).exitCode).toBe(137)
    const echoed = await deployment.berth(['ssh', 'dev', '--', 'cat; echo problem >&2'], { input: 'typed before' })
    expect(echoed).toMatchObject({ exitCode: 0, stdout: 'typed before' })
    expect(echoed.stderr).toContain('problem')
  })

  test('a workspace inherits nothing of the server and runs as nobody special', async () => {
    verifies('berth:local:no-server-secrets', 'berth:local:unprivileged', 'berth:agent:environment')
    const { stdout } = await deployment.berth([
      'ssh',
      'dev',
      '--',
      'env; id -u; ls -l /proc/self/fd | wc -l; cat ' + deployment.dataDirectory + '/postgres-18/PG_VERSION',
    ])
    expect(stdout).not.toMatch(/BERTH_DATA_DIR|BERTH_HTTP_ADDRESS|BERTH_AGENT_TOKEN|CODER_AGENT_TOKEN|BERTH_AUTO_IMPORT/)
    expect(stdout).not.toMatch(/^18$/m)
    const uid = Number(/^\d+$/m.exec(stdout)?.[0])
    expect(uid).not.toBe(0)
  })

  test('where bubblewrap works, a workspace sees its own home and its own processes only', async () => {
    verifies('berth:local:sandboxed')
    const { stdout } = await deployment.berth([
      'ssh',
      'dev',
      '--',
      `ls /home; ls -d /proc/[0-9]* | wc -l; ls ${deployment.dataDirectory} 2>&1`,
    ])
    const [home, processes, data] = stdout.split('\n')
    expect(home).toBe('ada')
    expect(Number(processes)).toBeLessThan(10)
    expect(data).toMatch(/No such file/)
  })

  test('stop leaves no process, not even one that left its group, and start finds the home as it was', async () => {
    verifies('berth:cli:stop-start-delete', 'berth:local:stop-leaves-no-process', 'berth:local:home-persists')
    await deployment.berth([
      'ssh',
      'dev',
      '--',
      'echo kept > file; (setsid sh -c "trap \\"\\" TERM; while :; do sleep 1; done" </dev/null >/dev/null 2>&1 &); sleep 0.2',
    ])
    const uid = workspaceUid(deployment.dataDirectory)
    expect(processesOf(uid).length).toBeGreaterThan(1)
    succeeds(await deployment.berth(['stop', 'dev', '-y']))
    expect(processesOf(uid)).toEqual([])
    succeeds(await deployment.berth(['start', 'dev']))
    expect(succeeds(await deployment.berth(['ssh', 'dev', '--', 'cat file']))).toBe('kept\n')
  })

  test('the agent outlives the server and is back within two seconds of its return', async () => {
    verifies('berth:local:agent-survives-server', 'berth:agent:reconnects')
    const before = processesOf(workspaceUid(deployment.dataDirectory)).length
    await deployment.server.kill()
    await sleep(300)
    expect(processesOf(workspaceUid(deployment.dataDirectory))).toHaveLength(before)
    await deployment.restart()
    // A generous bound: what is promised is a figure for the bench, what is tested is that it comes back by itself.
    await eventually(async () => ((await deployment.berth(['ssh', 'dev', '--', 'true'])).exitCode === 0 ? true : undefined))
  })

  test('a watcher is told of every step of a start, in order, until the agent is connected', async () => {
    verifies('berth:watch:start')
    const { id } = await client.workspaces.getByOwnerAndName({ params: { user: 'me', workspacename: 'dev' } })
    succeeds(await deployment.berth(['stop', 'dev', '-y']))
    const seen: string[] = []
    const watching = (async () => {
      for await (const { latest_build } of watchWorkspace(client, id)) {
        const [agent] = latest_build.resources.flatMap((resource) => resource.agents ?? [])
        const step = [latest_build.status, ...(agent === undefined ? [] : [agent.status])].join(' ')
        if (seen.at(-1) !== step) seen.push(step)
        if (agent?.status === 'connected') return
      }
    })()
    await sleep(200)
    await client.builds.create({ params: { workspace: id }, body: { transition: 'start' } })
    await watching
    const order = ['pending', 'starting', 'running connecting', 'running connected']
    expect(seen).toEqual(order.filter((step) => seen.includes(step)))
    expect(seen.at(-1)).toBe('running connected')
    expect(seen).toContain('starting')
  })

  test('with -o json there is one document and nothing else', async () => {
    verifies('berth:cli:json')
    for (const words of [['list'], ['show', 'dev'], ['templates', 'list']])
      expect(JSON.parse(succeeds(await deployment.berth([...words, '-o', 'json'])))).toBeTypeOf('object')
  })

  test('delete removes the home', async () => {
    verifies('berth:local:delete-removes-home')
    succeeds(await deployment.berth(['delete', 'dev', '-y']))
    expect(readdirSync(join(deployment.dataDirectory, 'workspaces')).filter((name) => name !== 'uids')).toEqual([])
    expect(JSON.parse(succeeds(await deployment.berth(['list', '-o', 'json'])))).toEqual([])
  })
})

/** The uid that the only workspace's home belongs to: its own as root, that of the test otherwise. */
function workspaceUid(dataDirectory: string): string {
  const workspaces = join(dataDirectory, 'workspaces')
  const [id = ''] = readdirSync(workspaces).filter((name) => name !== 'uids')
  return execFileSync('stat', ['-c', '%u', join(workspaces, id, 'home')])
    .toString()
    .trim()
}

function processesOf(uid: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      return new RegExp(`^Uid:\\s+${uid}\\s`, 'm').test(status) && !/^State:\s+Z/m.test(status)
    } catch {
      return false
    }
  })
}
