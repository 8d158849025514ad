import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { verifies } from '@berth/requirements'
import type { Client, ClientChannel } from 'ssh2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentToken, startAgentProcess, type AgentProcess } from './agent-process.ts'
import { buildAgent } from './build-agent.ts'
import { collect, connectSsh, openCommand, runOverSsh } from './ssh-client.ts'

let build: Awaited<ReturnType<typeof buildAgent>>
let agent: AgentProcess
let client: Client

beforeAll(async () => {
  build = await buildAgent()
  agent = await startAgentProcess({ entry: build.entry })
  Object.assign(agent.server.metadata, { environment_variables: { GREETING: 'hello $USER', CODER_AGENT_TOKEN: agentToken } })
  client = await connectSsh(await agent.server.tunnel())
})

afterAll(async () => {
  client.end()
  await agent.cleanUp()
  await build.remove()
})

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('a command', () => {
  test.each([
    ['true', 0],
    ['exit 7', 7],
    ['exit 255', 255],
    ['no-such-command-here', 127],
  ])('%s ends with its own exit code', async (command, code) => {
    expect((await runOverSsh(client, command)).code).toBe(code)
  })

  test.each(['TERM', 'KILL', 'INT'])('that dies of SIG%s is reported with the signal', async (signal) => {
    const result = await runOverSsh(client, `kill -${signal} $$`)
    expect(result.code).toBe(null)
    expect(result.signal).toBe(`SIG${signal}`)
  })

  test('keeps stdout and stderr apart', async () => {
    const result = await runOverSsh(client, 'echo out; echo err >&2; echo out2')
    expect(result.stdout.toString()).toBe('out\nout2\n')
    expect(result.stderr).toBe('err\n')
  })

  test('reads stdin to its end and answers after it', async () => {
    const result = await runOverSsh(client, 'cat; echo end', { stdin: Buffer.from('line without a break') })
    expect(result.stdout.toString()).toBe('line without a breakend\n')
  })

  test('gets 50 MiB in and gives them back unchanged', async () => {
    const data = randomBytes(50 * 1024 * 1024)
    const result = await runOverSsh(client, 'cat', { stdin: data })
    expect(result.stdout.length).toBe(data.length)
    expect(sha256(result.stdout)).toBe(sha256(data))
  })

  test('may write 12 MiB to both streams at once without mixing or repeating a byte', async () => {
    const channel = await openCommand(
      client,
      "(head -c 12582912 /dev/zero | tr '\\0' 'e' >&2) & head -c 12582912 /dev/zero | tr '\\0' 'o'; wait",
    )
    const counts = { o: 0, e: 0, wrong: 0 }
    channel.on('data', (chunk: Buffer) => {
      counts.o += chunk.length
      if (chunk.some((byte) => byte !== 0x6f)) counts.wrong += 1
    })
    channel.stderr.on('data', (chunk: Buffer) => {
      counts.e += chunk.length
      if (chunk.some((byte) => byte !== 0x65)) counts.wrong += 1
    })
    await once(channel, 'close')
    expect(counts).toEqual({ o: 12_582_912, e: 12_582_912, wrong: 0 })
  })

  test('that stops reading its stdin does not get stuck', async () => {
    const result = await runOverSsh(client, 'head -c 4; exec <&-; sleep 0.2; echo; echo done', { stdin: randomBytes(8 * 1024 * 1024) })
    expect(result.stdout.subarray(4).toString()).toBe('\ndone\n')
    expect(result.code).toBe(0)
  })

  test('gets the signals that the client sends', async () => {
    const channel = await openCommand(client, "trap 'echo got usr1; exit 3' USR1; echo ready; while :; do sleep 0.05; done")
    const result = collect(channel)
    await once(channel, 'data')
    channel.signal('USR1')
    expect(await result).toMatchObject({ code: 3, stdout: Buffer.from('ready\ngot usr1\n') })
  })

  test('is ended with its children when the client closes the channel', async () => {
    const channel = await openCommand(client, 'sleep 1234 & echo $! $$; wait')
    const [line] = (await once(channel, 'data')) as [Buffer]
    channel.close()
    for (const pid of line.toString().trim().split(' ')) await expect.poll(() => isAlive(Number(pid)), { timeout: 8_000 }).toBe(false)
  })

  test('leaves a daemon running that has closed its streams', async () => {
    const result = await runOverSsh(client, 'setsid sleep 4321 >/dev/null 2>&1 </dev/null & echo $!')
    const pid = Number(result.stdout.toString())
    expect(isAlive(pid)).toBe(true)
    process.kill(pid)
  })
})

describe('the environment of a command', () => {
  test("is clean, with the template's variables and without any token", async () => {
    const environment = (await runOverSsh(client, 'env')).stdout.toString()
    expect(environment).toContain(`HOME=${agent.home}\n`)
    expect(environment).toContain('USER=alice\n')
    expect(environment).toContain('BERTH_WORKSPACE_NAME=dev\n')
    expect(environment).toContain('CODER_WORKSPACE_NAME=dev\n')
    expect(environment).not.toContain('TOKEN')
    expect(environment).not.toContain(agentToken)
    expect(environment).not.toContain('SECRET_OF_THE_HOST')
  })

  test('takes variables from the client, except tokens and invalid names', async () => {
    const env = { LC_PAPER: 'A4', MY_SETTING: 'x y', 'BAD-NAME': '1', CODER_AGENT_TOKEN: 'nope' }
    const environment = (await runOverSsh(client, 'env', { env })).stdout.toString()
    expect(environment).toContain('LC_PAPER=A4\n')
    expect(environment).toContain('MY_SETTING=x y\n')
    expect(environment).not.toContain('BAD-NAME')
    expect(environment).not.toContain('TOKEN')
  })

  test('starts in the home when the template names no directory', async () => {
    expect((await runOverSsh(client, 'pwd')).stdout.toString().trim()).toBe(agent.home)
  })

  test('inherits no socket of the agent', async () => {
    const links = (await runOverSsh(client, 'ls -l /proc/self/fd')).stdout.toString().split('\n')
    expect(links.filter((line) => line.includes('socket:') && !/ [012] -> /.test(line))).toEqual([])
  })
})

function openShell(window: { cols: number; rows: number }): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.shell({ term: 'xterm-256color', ...window }, (error, channel) => (error ? reject(error) : resolve(channel)))
  })
}

describe('a shell on a terminal', () => {
  test('has the size the client gave, and follows its changes', async () => {
    verifies('berth:agent:pty')
    const channel = await openShell({ cols: 101, rows: 31 })
    const result = collect(channel)
    let seen = ''
    channel.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    channel.write('stty size; echo $TERM; echo one-$((1+1))\n')
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('one-2')
    channel.setWindow(40, 120, 0, 0)
    channel.write('stty size; exit 5\n')
    const { code, stdout } = await result
    expect(stdout.toString()).toContain('31 101')
    expect(stdout.toString()).toContain('xterm-256color')
    expect(stdout.toString()).toContain('40 120')
    expect(code).toBe(5)
  })

  test('is a login shell with a terminal of its own', async () => {
    const channel = await openShell({ cols: 80, rows: 24 })
    const result = collect(channel)
    channel.write('shopt -q login_shell && echo login=yes-$((0+1)); tty; exit\n')
    const text = (await result).stdout.toString()
    expect(text).toContain('login=yes-1')
    expect(text).toMatch(/\/dev\/pts\/\d+/)
  })

  test('passes a typed interrupt to the foreground program', async () => {
    const channel = await openShell({ cols: 80, rows: 24 })
    const result = collect(channel)
    let seen = ''
    channel.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    channel.write('echo begin-$((1+1)); sleep 1000\n')
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('begin-2')
    channel.write('\u0003')
    channel.write('exit 9\n')
    expect((await result).code).toBe(9)
  })

  test('shows everything a program wrote, to a client that reads late', async () => {
    const channel = await openCommand(client, 'seq 1 1000000', { pty: { cols: 80, rows: 24 } })
    channel.pause()
    // The agent has paused the program once the program writes nothing more.
    let before = ''
    await expect
      .poll(
        async () => {
          const [last, now] = [before, await writtenBy('seq 1 1000000')]
          before = now
          return now !== '' && now === last
        },
        { timeout: 10_000 },
      )
      .toBe(true)
    const collected = collect(channel)
    channel.resume()
    const result = await collected
    const lines = result.stdout.toString().trim().split('\r\n')
    expect(lines).toHaveLength(1_000_000)
    expect(lines.at(-1)).toBe('1000000')
    expect(result.code).toBe(0)
  })

  test('does not block the agent when its program does not read', async () => {
    const channel = await openCommand(client, 'stty raw -echo; echo ready; sleep 1000', { pty: { cols: 80, rows: 24 } })
    await once(channel, 'data')
    channel.write(Buffer.alloc(1024 * 1024, 'x'))
    expect((await runOverSsh(client, 'echo still here')).stdout.toString()).toBe('still here\n')
    channel.close()
  })

  test('ends with all its jobs when the connection drops', async () => {
    const other = await connectSsh(await agent.server.tunnel())
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      other.shell({ term: 'xterm' }, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    let seen = ''
    channel.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    channel.write("sleep 2222 & echo pids=$$,$!'.'\n")
    await expect.poll(() => seen, { timeout: 10_000 }).toMatch(/pids=\d+,\d+\./)
    const pids = /pids=(\d+),(\d+)\./.exec(seen)?.slice(1).map(Number) ?? []
    other.destroy()
    for (const pid of pids) await expect.poll(() => isAlive(pid), { timeout: 8_000 }).toBe(false)
  })
})

describe('forwarding', () => {
  test('a local forward reaches a server of the workspace, with ends in both directions', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let question = ''
      socket.on('data', (chunk) => (question += chunk.toString()))
      socket.on('end', () => socket.end(`you said ${question}`))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', (server.address() as AddressInfo).port, (error, opened) =>
        error ? reject(error) : resolve(opened),
      )
    })
    const result = collect(channel)
    channel.end('hello')
    expect((await result).stdout.toString()).toBe('you said hello')
    server.close()
  })

  test('a local forward to a port nobody listens on is refused', async () => {
    const error = await new Promise<Error | undefined>((resolve) => {
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', 1, (problem) => resolve(problem))
    })
    expect(error?.message).toMatch(/Channel open failure/)
  })

  test('a remote forward listens in the workspace until it is cancelled', async () => {
    const port = await new Promise<number>((resolve, reject) => {
      client.forwardIn('127.0.0.1', 0, (error, chosen) => (error ? reject(error) : resolve(chosen)))
    })
    client.once('tcp connection', (_details, accept) => {
      const channel = accept()
      channel.on('data', (chunk: Buffer) => channel.write(`echo ${chunk.toString()}`))
      channel.on('end', () => channel.end())
    })
    const command = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf hi >&3; head -c 7 <&3`
    expect((await runOverSsh(client, command)).stdout.toString()).toBe('echo hi')
    await new Promise<void>((resolve, reject) => {
      client.unforwardIn('127.0.0.1', port, (error) => (error ? reject(error) : resolve()))
    })
    expect((await runOverSsh(client, `exec 3<>/dev/tcp/127.0.0.1/${port}`)).code).not.toBe(0)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The bytes that the newest process with a command line has written; empty if there is none. */
async function writtenBy(commandLine: string): Promise<string> {
  const script = `awk '/^wchar/ { print $2 }' "/proc/$(pgrep -nfx '${commandLine}')/io"`
  return (await runOverSsh(client, script)).stdout.toString().trim()
}
