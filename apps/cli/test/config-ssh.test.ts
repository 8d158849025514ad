import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { verifies } from '@berth/requirements'
import { startStubServer, type StubServer } from '@berth/sdk/testing'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { renderHost } from '../src/ssh-config/host-block.ts'
import { diffLines } from '../src/ssh-config/line-diff.ts'
import { renderSection, replaceSection } from '../src/ssh-config/section.ts'
import { agent, build, id, workspace } from './fixtures.ts'
import { runBerth, temporaryFolder, type Call } from './run-berth.ts'

let stub: StubServer
let folder: string
let path: string

beforeEach(async () => {
  stub = await startStubServer({ token: 'secret' })
  folder = await temporaryFolder()
  path = join(folder, 'config')
  has({ dev: ['main'] })
})
afterEach(() => stub.close())

/** Gives the user these workspaces, each with its own template version and these agents. */
function has(agents: Readonly<Record<string, readonly string[]>>): void {
  const names = Object.keys(agents)
  const workspaces = names.map((name, index) => workspace({ name, latest_build: build({ template_version_id: id(index + 100) }, []) }))
  stub.on('workspaces.list', () => ({ workspaces, count: names.length }))
  stub.on('templateVersions.resources', ({ params }) => {
    const name = names[Number(params.templateversion.slice(-3)) - 100] ?? ''
    const { resources } = build(
      {},
      (agents[name] ?? []).map((agentName) => agent({ name: agentName })),
    )
    return [...resources, ...resources.map((resource) => ({ ...resource, workspace_transition: 'stop' as const }))]
  })
}

const berth = (words: readonly string[], call: Call = {}) =>
  runBerth(['config-ssh', '--ssh-config-file', path, '--global-config', '/home/ada/.config/berth', ...words], {
    ...call,
    environment: { BERTH_URL: stub.url, BERTH_SESSION_TOKEN: 'secret', ...call.environment },
  })
const written = () => readFile(path, 'utf8')

test('writes one host for each agent, and nothing the second time', async () => {
  verifies('berth:cli:config-ssh')
  has({ web: ['cpu', 'gpu'], dev: ['main'] })
  expect(await berth(['-y'])).toEqual({ code: 0, stdout: '', stderr: `Wrote 3 hosts to ${path}. Connect with 'ssh berth.dev'.\n` })
  expect(await written()).toMatchInlineSnapshot(`
    "# ------------START-BERTH-----------
    # \`berth config-ssh\` writes this section anew each time it runs, and removes it with --remove.
    Host berth.dev berth.dev.main
      HostName berth.dev
      ConnectTimeout 0
      ServerAliveInterval 15
      StrictHostKeyChecking no
      UserKnownHostsFile /dev/null
      LogLevel ERROR
      ProxyCommand /opt/node /opt/berth/main.js --global-config /home/ada/.config/berth ssh --stdio dev.main
    Host berth.web.cpu
      HostName berth.web.cpu
      ConnectTimeout 0
      ServerAliveInterval 15
      StrictHostKeyChecking no
      UserKnownHostsFile /dev/null
      LogLevel ERROR
      ProxyCommand /opt/node /opt/berth/main.js --global-config /home/ada/.config/berth ssh --stdio web.cpu
    Host berth.web.gpu
      HostName berth.web.gpu
      ConnectTimeout 0
      ServerAliveInterval 15
      StrictHostKeyChecking no
      UserKnownHostsFile /dev/null
      LogLevel ERROR
      ProxyCommand /opt/node /opt/berth/main.js --global-config /home/ada/.config/berth ssh --stdio web.gpu
    # ------------END-BERTH------------
    "
  `)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const before = await stat(path)
  expect(await berth([])).toEqual({ code: 0, stdout: '', stderr: `Nothing to change in ${path}.\n` })
  expect((await stat(path)).ino).toBe(before.ino)
})

test('with --compat, each host has its coder name too', async () => {
  await berth(['-y', '--compat'])
  expect(await written()).toContain('\nHost berth.dev berth.dev.main coder.dev coder.dev.main\n')
})

describe('the rest of the file', () => {
  test.each([
    ['text after and before the section', Buffer.from('Host a\n  Port 1\n'), Buffer.from('\nHost b\n\tUser x\n')],
    ['no line end at the end', Buffer.from('Host a\n'), Buffer.from('Host b')],
    ['Windows line ends', Buffer.from('Host a\r\n'), Buffer.from('Host b\r\n')],
    ['bytes that are not UTF-8', Buffer.from([0x23, 0xff, 0xfe, 0x80, 0x0a]), Buffer.from([0x23, 0xc3, 0x28, 0x0a])],
  ])('stays as it is: %s', async (_, before, after) => {
    verifies('berth:cli:config-ssh-rest')
    const old = Buffer.from(renderSection({ sshOptions: [], compat: false }, ['Host berth.old']))
    await writeFile(path, Buffer.concat([before, old, after]))
    await berth(['-y'])
    const now = await readFile(path)
    expect(now.subarray(0, before.length).equals(before)).toBe(true)
    expect(now.subarray(-after.length).equals(after)).toBe(true)
    expect(now.includes('berth.old')).toBe(false)
    expect((await berth(['--remove', '-y'])).stderr).toBe(`Removed the workspaces from ${path}.\n`)
    expect((await readFile(path)).equals(Buffer.concat([before, after]))).toBe(true)
  })

  test('stays as it is, whatever it holds', () => {
    const section = renderSection({ sshOptions: [], compat: false }, [])
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\r', '#', '-', 'Host x') }), (file) => {
        const added = replaceSection(file, section)
        expect(replaceSection(added, section)).toBe(added)
        const removed = replaceSection(added, undefined)
        expect(removed).toBe(file === '' || file.endsWith('\n') ? file : `${file}\n`)
      }),
    )
  })

  test('keeps its mode, and a symbolic link stays one', async () => {
    const real = join(folder, 'dotfiles', 'ssh-config')
    await mkdir(join(folder, 'dotfiles'))
    await writeFile(real, 'Host a\n')
    await chmod(real, 0o640)
    await symlink('dotfiles/ssh-config', path)
    await berth(['-y'])
    expect(await readlink(path)).toBe('dotfiles/ssh-config')
    expect((await stat(real)).mode & 0o777).toBe(0o640)
    expect(await readFile(real, 'utf8')).toContain('Host berth.dev')
    expect(await readdir(join(folder, 'dotfiles'))).toEqual(['ssh-config'])
  })

  test('a link to a file that does not exist yet creates that file', async () => {
    await symlink('dotfiles/ssh-config', path)
    await berth(['-y'])
    expect((await lstat(path)).isSymbolicLink()).toBe(true)
    expect(await readFile(join(folder, 'dotfiles', 'ssh-config'), 'utf8')).toContain('Host berth.dev')
  })

  test.each([
    ['# ------------START-BERTH-----------\nHost b\n'],
    ['# ------------END-BERTH------------\n'],
    ['# ------------END-BERTH------------\n# ------------START-BERTH-----------\n'],
    ['# ------------START-BERTH-----------\n# ------------START-BERTH-----------\n# ------------END-BERTH------------\n'],
  ])('with a damaged section %j is left alone', async (text) => {
    await writeFile(path, text)
    const { code, stderr } = await berth(['-y'])
    expect(code).toBe(1)
    expect(stderr).toContain('is damaged')
    expect(await written()).toBe(text)
  })

  test('a section that ends without a line end is replaced', async () => {
    await writeFile(path, renderSection({ sshOptions: [], compat: false }, ['Host berth.old']).trimEnd())
    await berth(['-y'])
    expect(await written()).not.toContain('berth.old')
    expect((await berth([])).stderr).toContain('Nothing to change')
  })
})

describe('before it changes the file', () => {
  test('it asks, and a file stays as it is without an answer', async () => {
    verifies('berth:cli:config-ssh-asks')
    await writeFile(path, 'Host a\n')
    const { code, stderr } = await berth([])
    expect(code).toBe(1)
    expect(stderr).toContain(`Changes to ${path}:\n  Host a\n+ # ---`)
    expect(stderr).toContain('Pass --yes.')
    expect(await written()).toBe('Host a\n')
  })

  test('--dry-run prints the difference and changes nothing', async () => {
    await berth(['-y'])
    const before = await written()
    has({ dev: ['main'], web: ['main'] })
    const { code, stdout } = await berth(['--dry-run'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}.*\n {2}.*\n\+ Host berth\.web berth\.web\.main\n(?:\+ .*\n)+ {2}# -+END-BERTH-+\n$/)
    expect(await written()).toBe(before)
    has({})
    expect((await berth(['-n'])).stdout).toContain('- Host berth.dev berth.dev.main\n')
  })

  test('a file that changes while the question is open is not overwritten', async () => {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
    const errorOutput = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 })
    let shown = ''
    let isAsked = false
    errorOutput.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
      if (isAsked || !shown.includes('yes')) return
      isAsked = true
      void writeFile(path, 'Host meanwhile\n').then(() => input.write('\r'))
    })
    const { code } = await berth([], { input, errorOutput })
    expect(code).toBe(1)
    expect(shown).toContain('has changed meanwhile')
    expect(await written()).toBe('Host meanwhile\n')
  })
})

describe('options', () => {
  test('come first in each host, and a later run shows that it would drop them', async () => {
    await berth(['-y', '-o', 'ForwardAgent=yes', '-o', 'LocalForward 3000 localhost:3000', '--compat'])
    const first = await written()
    expect(first).toContain('\n  ForwardAgent=yes\n  LocalForward 3000 localhost:3000\n  HostName')
    const { stderr, stdout } = await berth(['--dry-run'])
    expect(stderr).toContain('--use-previous-options')
    expect(stdout).toContain('- # :ssh-option=ForwardAgent=yes\n')
    expect((await berth(['--use-previous-options'])).stderr).toContain('Nothing to change')
    await berth(['-y'])
    expect(await written()).not.toContain('ForwardAgent')
  })

  test.each(['ForwardAgent', 'ForwardAgent=', '=yes', 'A=b\nProxyCommand=evil', 'Host=*', 'match all'])(
    '"%s" is refused',
    async (option) => {
      const { code, stderr } = await berth(['-y', '-o', option])
      expect(code).toBe(1)
      expect(stderr).toContain('--ssh-option')
      await expect(stat(path)).rejects.toThrow('ENOENT')
    },
  )

  test('names from the server that would add settings are left out', async () => {
    has({ dev: ['main', 'x\n  ProxyCommand evil'] })
    const { stderr } = await berth(['-y'])
    expect(stderr).toContain(String.raw`Left out "dev.x\n  ProxyCommand evil"`)
    expect(await written()).not.toContain('evil')
  })
})

test.each([
  ['linux', ["/opt/my node's/bin", '100%'], String.raw`ProxyCommand '/opt/my node'\''s/bin' 100%% ssh --stdio dev.main`],
  ['win32', [String.raw`C:\Program Files\node.exe`, 'x'], String.raw`ProxyCommand "C:\Program Files\node.exe" x ssh --stdio dev.main`],
] as const)('on %s, paths with blanks and other marks reach the program whole', (platform, program, line) => {
  verifies('berth:cli:config-ssh-quoting')
  const host = { workspace: 'dev', agent: 'main', isOnly: true }
  expect(renderHost(host, { sshOptions: [], compat: false }, { platform, program })).toContain(line)
})

test('a difference shows what was removed and added, with the lines around it', () => {
  expect(diffLines('a\nb\nc\nd\ne\nf\ng\nh\ni\n', 'a\nB\nc\nd\ne\nf\ng\nh\ni\nj\n')).toEqual([
    '  a',
    '- b',
    '+ B',
    '  c',
    '  d',
    '…',
    '  h',
    '  i',
    '+ j',
  ])
  expect(diffLines('', 'a\n')).toEqual(['+ a'])
  expect(diffLines('a\n', 'a\n')).toEqual([])
  const [many, other] = ['x\n'.repeat(3000), 'y\n'.repeat(3000)]
  expect(diffLines(many, other)).toHaveLength(6000)
})
