import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import type { Workspace } from '@berth/schema'
import { watchWorkspace, type Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FIRST_USER, createDeployment, type CommandResult, type Deployment } from './deployment.ts'

/*
 * The first hour with a fresh clone: commands typed into the built CLI, the built server, and a
 * workspace that really runs. Each test stands alone: it changes only what it made itself.
 */

const succeeds = (result: CommandResult): string => {
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
  return result.stdout
}

describe('an empty server', () => {
  let deployment: Deployment
  beforeAll(async () => {
    deployment = await createDeployment()
  })
  afterAll(async () => await deployment.remove())

  test('says where it is, how to sign in and what to type next', async () => {
    verifies('berth:start:one-command')
    const said = await eventually(async () => /Logs follow/.exec(deployment.server.output())?.input)
    expect(said).toContain(deployment.server.url)
    expect(said).toContain('berth login')
    expect(said).toContain('berth create dev')
  })

  test('without a session a command says how to log in', async () => {
    verifies('berth:cli:signed-out', 'berth:cli:exit-status')
    const home = await mkdtemp(join(deployment.homeDirectory, 'new-'))
    const { exitCode, stderr, stdout } = await deployment.berth(['list'], { environment: { HOME: home } })
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
    const templates = JSON.parse(succeeds(await deployment.berth(['templates', 'list', '-o', 'json']))) as { name: string }[]
    expect(templates.map(({ name }) => name)).toEqual(['local-starter'])
  })
})

describe('a user who is signed in', () => {
  let deployment: Deployment
  let client: Client
  /** A workspace that runs, for tests that change nothing of it. */
  let dev: Workspace
  beforeAll(async () => {
    // One job at a time, so that a test can make a build wait for another.
    deployment = await createDeployment({ BERTH_PROVISIONER_DAEMONS: '1' })
    client = await deployment.signIn()
    const { session_token } = await client.sessions.login({ body: { email: FIRST_USER.email, password: FIRST_USER.password } })
    succeeds(await deployment.berth(['login', deployment.server.url, '--token', session_token]))
    await eventually(async () => {
      const [template] = JSON.parse(succeeds(await deployment.berth(['templates', 'list', '-o', 'json']))) as unknown[]
      return template
    })
    dev = await created('dev')
  })
  afterAll(async () => await deployment.remove())

  async function created(name: string): Promise<Workspace> {
    succeeds(await deployment.berth(['create', name, '-t', 'local-starter', '-y']))
    return await client.workspaces.getByOwnerAndName({ params: { user: 'me', workspacename: name } })
  }

  async function started(workspace: string): Promise<void> {
    await client.builds.create({ params: { workspace }, body: { transition: 'start' } })
  }

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
    const { exitCode, stdout, stderr } = await deployment.berth(['create', 'staged', '-t', 'local-starter', '-y'])
    expect(exitCode, stderr).toBe(0)
    const said = stdout + stderr
    for (const stage of ['Setting up', 'Starting workspace', 'Cleaning Up']) expect(said).toContain(stage)
    expect(said).toContain('berth ssh staged')
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
    const { id } = await created('stubborn')
    const stray = '(setsid sh -c "trap \\"\\" TERM; touch trapped; while :; do sleep 1; done" </dev/null >/dev/null 2>&1 &)'
    await deployment.berth(['ssh', 'stubborn', '--', `echo kept > file; ${stray}; until [ -e trapped ]; do sleep 0.01; done`])
    const uid = workspaceUid(deployment.dataDirectory, id)
    expect(processesOf(uid).length).toBeGreaterThan(1)
    succeeds(await deployment.berth(['stop', 'stubborn', '-y']))
    expect(processesOf(uid)).toEqual([])
    succeeds(await deployment.berth(['start', 'stubborn']))
    expect(succeeds(await deployment.berth(['ssh', 'stubborn', '--', 'cat file']))).toBe('kept\n')
  })

  test('an agent that is killed is seen to be gone, loses no file, and comes back with a restart', async () => {
    verifies('berth:local:agent-killed')
    const { id } = await created('fragile')
    succeeds(await deployment.berth(['ssh', 'fragile', '--', 'echo acknowledged > file']))
    // The parent of a command is the agent.
    expect((await deployment.berth(['ssh', 'fragile', '--', 'kill -KILL $PPID'])).exitCode).not.toBe(0)
    await eventually(async () => {
      const { latest_build } = await client.workspaces.get({ params: { workspace: id } })
      const [agent] = latest_build.resources.flatMap(({ agents = [] }) => agents)
      return agent?.status === 'disconnected' ? true : undefined
    })
    succeeds(await deployment.berth(['restart', 'fragile', '-y']))
    expect(succeeds(await deployment.berth(['ssh', 'fragile', '--', 'cat file']))).toBe('acknowledged\n')
  })

  test('the agent outlives the server and is back within two seconds of its return', async () => {
    verifies('berth:local:agent-survives-server', 'berth:agent:reconnects')
    const { id } = await created('survivor')
    const uid = workspaceUid(deployment.dataDirectory, id)
    const agent = processesOf(uid).filter(isLongLived)
    expect(agent).not.toEqual([])
    await deployment.server.kill()
    try {
      await eventually(async () =>
        agentLog(deployment.dataDirectory, id).includes('The connection to the server ended') ? true : undefined,
      )
      expect(processesOf(uid)).toEqual(expect.arrayContaining(agent))
    } finally {
      await deployment.restart()
    }
    // The bound is generous: the bench measures how fast it is, this test that it comes back.
    await eventually(async () => ((await deployment.berth(['ssh', 'survivor', '--', 'true'])).exitCode === 0 ? true : undefined))
  })

  test('a watcher is told of every step of a start, in order, until the agent is connected', async () => {
    verifies('berth:watch:start')
    const [{ id }, other] = [await created('watched'), await created('ahead')]
    succeeds(await deployment.berth(['stop', 'watched', '-y']))
    const seen: string[] = []
    for await (const { latest_build } of watchWorkspace(client, id, { initial: true })) {
      const [agent] = latest_build.resources.flatMap((resource) => resource.agents ?? [])
      const step = [latest_build.status, ...(agent === undefined ? [] : [agent.status])].join(' ')
      if (seen.at(-1) !== step) seen.push(step)
      // The other start runs first, so this one stays pending long enough to be seen.
      if (seen.length === 1) void started(other.id).then(async () => await started(id))
      if (agent?.status === 'connected') break
    }
    expect(seen).toEqual(['stopped', 'pending', 'starting', 'running connecting', 'running connected'])
  })

  test('with -o json there is one document and nothing else', async () => {
    verifies('berth:cli:json')
    for (const words of [['list'], ['show', 'dev'], ['templates', 'list']])
      expect(JSON.parse(succeeds(await deployment.berth([...words, '-o', 'json'])))).toBeTypeOf('object')
  })

  test('delete removes the home', async () => {
    verifies('berth:local:delete-removes-home')
    const { id } = await created('short-lived')
    const workspaces = (): string[] => readdirSync(join(deployment.dataDirectory, 'workspaces'))
    expect(workspaces()).toContain(id)
    succeeds(await deployment.berth(['delete', 'short-lived', '-y']))
    expect(workspaces()).not.toContain(id)
    const left = JSON.parse(succeeds(await deployment.berth(['list', '-o', 'json']))) as { id: string }[]
    expect(left.map((workspace) => workspace.id)).toContain(dev.id)
    expect(left.map((workspace) => workspace.id)).not.toContain(id)
  })
})

/** The uid that a workspace's home belongs to: its own as root, that of the test otherwise. */
function workspaceUid(dataDirectory: string, id: string): string {
  return execFileSync('stat', ['-c', '%u', join(dataDirectory, 'workspaces', id, 'home')])
    .toString()
    .trim()
}

function agentLog(dataDirectory: string, id: string): string {
  return readFileSync(join(dataDirectory, 'workspaces', id, 'agent.log'), 'utf8')
}

/** Whether a process is the agent or its sandbox, and not a command that the agent runs. */
function isLongLived(pid: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.js')
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
