import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Duplex, PassThrough, Readable, Writable } from 'node:stream'
import { verifies } from '@berth/requirements'
import { Failure } from '@berth/schema'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { relayStdio } from '../src/ssh/relay-stdio.ts'
import { systemClock } from '../src/system-clock.ts'
import { agent, build, job, workspace } from './fixtures.ts'
import { runBerth, type Call } from './run-berth.ts'
import { startStubWorkspace, type StubWorkspace } from './stub-workspace.ts'

let far: StubWorkspace
beforeEach(async () => {
  far = await startStubWorkspace()
})
afterEach(() => far.close())

const berth = (words: readonly string[], call: Call = {}) =>
  runBerth(words, { ...call, environment: { BERTH_URL: far.url, BERTH_SESSION_TOKEN: 'secret', ...call.environment } })

describe('a command', () => {
  test('prints the output of the command, on both streams, and nothing else', async () => {
    expect(await berth(['ssh', 'dev', '--', 'echo out; echo err >&2'])).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' })
  })

  test.each([0, 1, 7, 254, 255])('passes on the exit code %d', async (code) => {
    expect(await berth(['ssh', 'dev', '--', `exit ${code}`])).toEqual({ code, stdout: '', stderr: '' })
  })

  test('that ends at once loses neither its output nor its exit code', async () => {
    expect(await berth(['ssh', 'dev', '--', 'at-once'])).toEqual({ code: 7, stdout: 'out\n', stderr: '' })
  })

  test.each([
    ['TERM', 143],
    ['KILL', 137],
  ])('killed by SIG%s ends with the exit code a shell would report', async (signal, code) => {
    expect((await berth(['ssh', 'dev', '--', `kill -${signal} $$`])).code).toBe(code)
  })

  test('gets its words joined by spaces, as with OpenSSH', async () => {
    expect((await berth(['ssh', 'dev', 'echo', 'a  b', '$((1+1))'])).stdout).toBe('a b 2\n')
  })

  test('keeps its flags, which need no --', async () => {
    verifies('berth:cli:ssh-words')
    expect((await berth(['ssh', 'dev', 'printf', '%s,', '-la', '--help', '-T'])).stdout).toBe('-la,--help,-T,')
    expect((await berth(['ssh', 'dev', '-T', 'printf', '%s,', '--', '-v'])).stdout).toBe('--,-v,')
  })

  test('reads a megabyte of standard input to its end, and every byte comes back', async () => {
    const bytes = randomBytes(1024 * 1024)
    const output = new Gathered()
    expect((await berth(['ssh', 'dev', '--', 'cat'], { input: Readable.from([bytes]), output })).code).toBe(0)
    expect(output.bytes.equals(bytes)).toBe(true)
  })

  test('runs as the owner, over a tunnel opened with the session', async () => {
    await berth(['ssh', 'dev', '--', 'true'])
    expect(far.seen).toMatchObject({ username: 'ada', tunnelToken: 'secret', term: undefined })
  })

  test('gets the language and color variables of this machine, and no others', async () => {
    const environment = { LANG: 'de_DE.UTF-8', LC_TIME: 'C', COLORTERM: 'truecolor', AWS_SECRET_ACCESS_KEY: 'x', PATH: '/nowhere' }
    await berth(['ssh', 'dev', '--', 'true'], { environment })
    expect(far.seen.environment).toEqual({ LANG: 'de_DE.UTF-8', LC_TIME: 'C', COLORTERM: 'truecolor' })
  })

  test('gets the variables of --env too, which win', async () => {
    verifies('berth:cli:ssh-env')
    const words = ['ssh', '--env', 'LANG=C', '--env', 'A_B=x=y z', '--env', 'EMPTY=', 'dev', '--', 'echo "$LANG,$A_B,$EMPTY"']
    expect((await berth(words, { environment: { LANG: 'de_DE.UTF-8' } })).stdout).toBe('C,x=y z,\n')
    for (const typed of ['NAME', '=x', '1A=x', 'A-B=x']) {
      const { code, stderr } = await berth(['ssh', '--env', typed, 'dev', 'true'])
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`--env takes NAME=value, not "${typed}".`) as string,
      })
    }
  })

  test('gets the SSH agent of this machine only with -A', async () => {
    await berth(['ssh', 'dev', 'true'], { environment: { SSH_AUTH_SOCK: '/run/agent' } })
    expect(far.seen.wantsAgent).toBe(false)
    expect((await berth(['ssh', '-A', 'dev', 'true'])).stderr).toContain("SSH_AUTH_SOCK isn't set.")
    expect(far.seen.wantsAgent).toBe(false)
    expect((await berth(['ssh', '-A', 'dev', 'true'], { environment: { SSH_AUTH_SOCK: '/run/agent' } })).code).toBe(0)
    expect(far.seen.wantsAgent).toBe(true)
  })

  test('gets Ctrl-C as a signal', async () => {
    const output = new Gathered()
    const { code } = await berth(['ssh', 'dev', '--', 'trap "exit 9" INT; echo up; while :; do sleep 0.05; done'], {
      input: new PassThrough(),
      output,
      onStart: (send) => void output.once('gathered', () => send('SIGINT')),
    })
    expect(code).toBe(9)
  })

  test('that ignores Ctrl-C is left running by the second one, or by the first one after the end of standard input', async () => {
    for (const [input, times] of [
      [new PassThrough(), 2],
      [undefined, 1],
    ] as const) {
      const output = new Gathered()
      const { code } = await berth(['ssh', 'dev', '--', 'trap "" INT; echo up; sleep 60'], {
        ...(input && { input }),
        output,
        onStart: (send) =>
          void output.once('gathered', () => {
            for (let count = 0; count < times; count += 1) send('SIGINT')
          }),
      })
      expect(code).toBe(130)
    }
  })

  test('is left running when this program is terminated', async () => {
    const output = new Gathered()
    const { code } = await berth(['ssh', 'dev', '--', 'echo up; sleep 60'], {
      output,
      onStart: (send) => void output.once('gathered', () => send('SIGTERM')),
    })
    expect(code).toBe(143)
  })

  test('that loses its connection is an error with code 255', async () => {
    const output = new Gathered()
    const { code, stderr } = await berth(['ssh', 'dev', '--', 'echo up; sleep 60'], {
      output,
      onStart: () => void output.once('gathered', () => far.breakConnections()),
    })
    expect({ code, stderr }).toEqual({ code: 255, stderr: 'Lost the connection to dev.\n' })
  })

  test('that ends because the workspace was stopped says so', async () => {
    const output = new Gathered()
    far.stub.on('workspaces.get', () => workspace({ latest_build: build({ transition: 'stop', status: 'stopping' }) }))
    const { code, stderr } = await berth(['ssh', 'dev', '--', 'echo up; sleep 60'], {
      output,
      onStart: () => void output.once('gathered', () => far.breakConnections()),
    })
    expect({ code, stderr }).toEqual({ code: 255, stderr: "The workspace dev was stopped. Start it with 'berth start dev'.\n" })
  })

  test('ends when the reader of its output goes away', async () => {
    const output = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })) })
    const { code } = await berth(['ssh', 'dev', '--', 'while :; do echo y; done'], { output })
    expect(code).toBe(255)
  })
})

function terminal() {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (raw: boolean) => void modes.push(raw) })
  const output = Object.assign(new Gathered(), { isTTY: true, columns: 120, rows: 40 })
  return { input, output, modes }
}

describe('a shell on a terminal', () => {
  test('gets the size and type of this terminal, follows its changes, and restores it', async () => {
    const { input, output, modes } = terminal()
    input.write('echo up\n')
    const { code } = await berth(['ssh', 'dev'], {
      input,
      output,
      environment: { TERM: 'screen-256color' },
      onStart: (send) =>
        void output.once('gathered', () => {
          output.columns = 100
          send('SIGWINCH')
          input.end('exit 3\n')
        }),
    })
    expect(code).toBe(3)
    expect(far.seen).toMatchObject({ term: 'screen-256color', sizes: ['120x40', '100x40'] })
    expect(modes).toEqual([true, false])
  })

  test('says before the workspace stops that it will, and how to keep it', async () => {
    verifies('berth:cli:ssh-autostop')
    const { input, output } = terminal()
    far.stub.on('workspaces.get', () =>
      workspace({ latest_build: build({ deadline: new Date(Date.now() + 29.9 * 60_000).toISOString() }) }),
    )
    const errorOutput = new Gathered()
    errorOutput.once('gathered', () => input.end('exit 6\n'))
    expect((await berth(['ssh', 'dev'], { input, output, errorOutput })).code).toBe(6)
    expect(errorOutput.bytes.toString()).toBe(
      "\r\nThe workspace dev stops in 30m. To keep it for 2 more hours, run 'berth schedule override-stop dev 2h' in another terminal.\r\n",
    )
  })

  test('gets no terminal with -T, and a command gets one with -t', async () => {
    const without = terminal()
    without.input.end('exit 4\n')
    expect((await berth(['ssh', 'dev', '-T'], without)).code).toBe(4)
    expect(far.seen.term).toBeUndefined()
    const withOne = terminal()
    expect((await berth(['ssh', '-t', 'dev', '--', 'exit 5'], withOne)).code).toBe(5)
    expect(far.seen.term).toBe('xterm-256color')
  })
})

test('with --stdio, another SSH client speaks through it', async () => {
  const input = new PassThrough()
  const output = new PassThrough()
  const relay = berth(['ssh', '--stdio', 'dev'], { input, output })
  const client = new ssh2.Client()
  client.connect({ sock: Duplex.from({ readable: output, writable: input }), username: 'ada', authHandler: ['none'] })
  await once(client, 'ready')
  const text = await new Promise<string>((resolve, reject) => {
    client.exec('echo through', (error, channel) => {
      if (error) reject(error)
      else channel.on('data', (chunk: Buffer) => resolve(chunk.toString()))
    })
  })
  expect(text).toBe('through\n')
  client.end()
  expect(await relay).toMatchObject({ code: 0, stderr: '' })
})

test('with --stdio, the end of the input ends it, even if the far side stays open', async () => {
  verifies('berth:cli:stdio-end')
  const output = new PassThrough()
  const input = new PassThrough()
  const relay = berth(['ssh', '--stdio', 'dev'], { input, output })
  await once(output, 'data')
  input.end()
  expect(await relay).toMatchObject({ code: 0, stderr: '' })
  const deaf = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), allowHalfOpen: true })
  const closed = new PassThrough().end()
  await relayStdio(deaf, { input: closed, output: new PassThrough(), clock: systemClock })
})

describe('a workspace that is not running', () => {
  test.each([
    [['ssh', 'dev'], 255],
    [['schedule', 'override-stop', 'dev', '2h'], 1],
  ])('is described in words to berth %j, with what to do', async (words, code) => {
    verifies('berth:cli:not-running')
    const { completed_at: _, ...unfinished } = job({ status: 'running' })
    for (const [latest_build, stderr] of [
      [build({ transition: 'stop', status: 'stopped' }), "The workspace dev is stopped. Start it with 'berth start dev'.\n"],
      [
        build({ transition: 'stop', status: 'stopping', job: unfinished }),
        "The workspace dev is stopping. When it has stopped, start it with 'berth start dev'.\n",
      ],
      [
        build({ transition: 'stop', status: 'failed', job: job({ status: 'failed', error: 'no space left' }) }),
        "The workspace dev isn't running, and its last stop didn't succeed: no space left. Start it with 'berth start dev'.\n",
      ],
      [build({ transition: 'delete', status: 'deleting', job: unfinished }), 'The workspace dev is being deleted.\n'],
      [
        build({ transition: 'delete', status: 'canceled', job: job({ status: 'canceled' }) }),
        "The workspace dev isn't running, and its last deletion didn't succeed (canceled). Look at it with 'berth show dev'.\n",
      ],
    ] as const) {
      far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build }))
      expect(await berth(words)).toEqual({ code, stdout: '', stderr })
    }
  })

  test('whose start failed is reported with the reason', async () => {
    const failed = build({ status: 'failed', job: job({ status: 'failed', error: 'no space left' }) })
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: failed }))
    expect((await berth(['ssh', 'dev'])).stderr).toContain('The last start of dev failed: no space left. Try')
  })

  test('is waited for: its build, then its agent', async () => {
    const { completed_at: _, ...unfinished } = job({ status: 'running' })
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: build({ status: 'starting', job: unfinished }, []) }))
    let isBuilt = false
    far.stub.on('builds.get', () => (isBuilt ? build() : build({ status: 'starting', job: unfinished })))
    far.stub.on('builds.logs', () => [])
    const connecting = workspace({ latest_build: build({}, [agent({ status: 'connecting' })]) })
    far.stub.on('workspaces.get', () => connecting)
    let sent = 0
    far.stub.onStream('workspaces.watch', async (_request, stream) => {
      const isForBuild = !isBuilt
      isBuilt = true
      for (const next of isForBuild ? [connecting] : [connecting, connecting, workspace()]) {
        await stream.send(next)
        sent += 1
      }
    })
    // This stub carries no WebSocket for the log, so the command has to watch the build.
    const { code, stdout, stderr } = await berth(['ssh', 'dev', '--', 'echo in'])
    expect({ code, stdout, sent }).toEqual({ code: 0, stdout: 'in\n', sent: 4 })
    expect(far.stub.requests.filter(({ operation }) => operation === 'agents.get')).toEqual([])
    expect(far.stub.requests.filter(({ operation }) => operation === 'builds.get').length).toBeLessThanOrEqual(4)
    expect(stderr).toContain('==> Queued')
    expect(stderr).toContain('==> Waiting for the agent main')
  })

  test('is started with --start, and with the answer yes', async () => {
    verifies('berth:cli:ssh-start')
    far.stub.on('builds.create', () => build())
    far.stub.on('builds.get', () => build())
    far.stub.on('builds.logs', () => [])
    const { completed_at: _, ...unfinished } = job({ status: 'running' })
    const errorOutput = Object.assign(new Gathered(), { isTTY: true })
    for (const latest_build of [
      build({ transition: 'stop', status: 'stopped' }),
      build({ transition: 'stop', status: 'stopping', job: unfinished }),
      build({ status: 'failed', job: job({ status: 'failed', error: 'no space left' }) }),
    ]) {
      far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build }))
      expect(await berth(['ssh', '--start', 'dev', '--', 'echo in'])).toMatchObject({ code: 0, stdout: 'in\n' })
    }
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: build({ transition: 'stop', status: 'stopped' }) }))
    const { input } = terminal()
    let isAsked = false
    errorOutput.on('gathered', () => {
      if (isAsked || !errorOutput.bytes.includes('yes')) return
      isAsked = true
      // The question listens once it is drawn.
      setImmediate(() => input.write('\r'))
    })
    expect(await berth(['ssh', '-T', 'dev', '--', 'echo in'], { input, errorOutput })).toMatchObject({ code: 0, stdout: 'in\n' })
    expect(errorOutput.bytes.toString()).toContain('The workspace dev is stopped. Start it?')
    const created = far.stub.requests.filter(({ operation }) => operation === 'builds.create')
    expect(created.map((request) => 'body' in request && request.body)).toEqual(Array.from({ length: 4 }, () => ({ transition: 'start' })))
  })

  test('is not started twice, if something else starts it first', async () => {
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: build({ transition: 'stop', status: 'stopped' }) }))
    far.stub.on('builds.create', () => {
      throw new Failure('build_active')
    })
    expect(await berth(['ssh', '--start', 'dev', '--', 'echo in'])).toMatchObject({ code: 0, stdout: 'in\n' })
    far.stub.on('workspaces.get', () => workspace({ latest_build: build({ transition: 'stop', status: 'stopping' }) }))
    expect(await berth(['ssh', '--start', 'dev', '--', 'echo in'])).toMatchObject({ code: 255 })
  })

  test('that is being deleted is not started', async () => {
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: build({ transition: 'delete', status: 'deleting' }) }))
    expect((await berth(['ssh', '--start', 'dev'])).code).toBe(255)
    expect(far.stub.requests.some(({ operation }) => operation === 'builds.create')).toBe(false)
  })

  test('that does not exist is named in the error', async () => {
    far.stub.on('workspaces.getByOwnerAndName', () => {
      throw new Failure('not_found')
    })
    expect(await berth(['ssh', 'nope'])).toEqual({ code: 255, stdout: '', stderr: `There is no workspace "nope". See 'berth list'.\n` })
  })
})

describe('agents', () => {
  test('one of several must be named', async () => {
    const two = build({}, [agent({ name: 'cpu', id: '00000000-0000-4000-8000-000000000099' }), agent()])
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: two }))
    expect((await berth(['ssh', 'dev'])).stderr).toBe(
      "The workspace dev has several agents: cpu, main. Choose one, for example with 'berth ssh dev.cpu'.\n",
    )
    expect((await berth(['ssh', 'dev.gpu'])).stderr).toContain('The workspace dev has no agent "gpu". Use one of: cpu, main.')
    expect((await berth(['ssh', 'dev.main', '--', 'echo here'])).stdout).toBe('here\n')
  })

  test('a workspace without any is an error', async () => {
    far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: build({}, []) }))
    expect((await berth(['ssh', 'dev'])).stderr).toContain('The workspace dev has no agent')
  })
})

class Gathered extends Writable {
  bytes = Buffer.alloc(0)

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytes = Buffer.concat([this.bytes, chunk])
    this.emit('gathered')
    done()
  }
}
