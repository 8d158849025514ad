import { PassThrough } from 'node:stream'
import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { isGroup, type Command, type CommandGroup } from '../src/command.ts'
import { commandTree } from '../src/command-tree.ts'
import { completeWords } from '../src/completion/complete-words.ts'
import { parseWords } from '../src/parsing/parse-words.ts'
import { flagName } from '../src/parsing/read-input.ts'
import { globalFlags } from '../src/settings.ts'
import { runBerth } from './run-berth.ts'

const commands = walk(commandTree, [])

function walk(node: Command | CommandGroup, path: string[]): { path: string[]; command: Command }[] {
  if (!isGroup(node)) return [{ path, command: node }]
  return Object.entries(node.commands).flatMap(([name, child]) => walk(child, [...path, name]))
}

test('berth alone lists the commands', async () => {
  const { code, stdout, stderr } = await runBerth([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatchInlineSnapshot(`
    "Usage: berth <command>

    Create and use developer workspaces on your own machines.

    Commands:
      login [url]                       Log in to a deployment, or set up a new one
      logout                            Log out and delete the stored session
      create [name]                     Create a workspace
      list, ls                          List workspaces
      show <workspace>                  Show a workspace, its resources and its agents
      start <workspace>                 Start a workspace
      stop <workspace>                  Stop a workspace and keep its home directory
      restart <workspace>               Stop a workspace and start it again
      ssh <workspace> [command...]      Open a shell in a workspace, or run a command in it
      config-ssh                        Make your workspaces known to SSH clients and editors
      port-forward, tunnel <workspace>  Forward ports of this machine to a workspace
      ping <workspace>                  Measure round trips to a workspace, and say which way they take
      speedtest <workspace>             Measure the throughput to and from a workspace
      update <workspace>                Update a workspace to its template's active version
      rename <workspace> <new-name>     Rename a workspace
      delete, rm <workspace>            Delete a workspace and everything in it
      ports                             Let other people open ports of a running workspace
      schedule                          Manage when a workspace starts and stops automatically
      templates, template               Manage templates
      completion <shell>                Print a completion script for your shell
      version, --version                Show the version of berth
      help [command...]                 Show help for a command

    Flags:
      -h, --help                        Show help

    Global flags:
      --url <url>                       URL of the deployment ($BERTH_URL)
      --token <token>                   Session token ($BERTH_SESSION_TOKEN)
      --global-config <folder>          Configuration folder ($BERTH_CONFIG_DIR)
      --header <header>                 Header to send with every request, as Name=Value; can be
                                        repeated
      -v, --verbose                     Show more detail in errors ($BERTH_VERBOSE)
      --no-color                        Disable colored output

    Examples:
      berth login https://berth.example.com
      berth create dev
      berth ssh dev

    Run 'berth <command> --help' for more about a command.
    "
  `)
})

test('a group lists its commands', async () => {
  expect((await runBerth(['templates'])).stdout).toMatchInlineSnapshot(`
    "Usage: berth templates <command>
    Aliases: template

    Manage templates.

    Commands:
      init [folder]             Write a starter template to a folder
      create [name]             Create a template from a folder
      push [template]           Upload a new version of a template and make it active
      list, ls                  List templates

    Flags:
      -h, --help                Show help

    Global flags:
      --url <url>               URL of the deployment ($BERTH_URL)
      --token <token>           Session token ($BERTH_SESSION_TOKEN)
      --global-config <folder>  Configuration folder ($BERTH_CONFIG_DIR)
      --header <header>         Header to send with every request, as Name=Value; can be repeated
      -v, --verbose             Show more detail in errors ($BERTH_VERBOSE)
      --no-color                Disable colored output

    Run 'berth templates <command> --help' for more about a command.
    "
  `)
})

test('a command shows its arguments, flags and examples', async () => {
  expect((await runBerth(['ssh', '--help'])).stdout).toMatchInlineSnapshot(`
    "Usage: berth ssh [flags] <workspace> [command...]

    Open a shell in a workspace, or run a command in it.

    Arguments:
      workspace                  Workspace name, or owner/name; append .agent if it has several agents
      command                    Command to run instead of a shell, with flags of its own

    Flags:
      --stdio                    Relay an SSH client on standard input and output, as a ProxyCommand
                                 ($BERTH_SSH_STDIO)
      --start                    Start the workspace if it is stopped ($BERTH_SSH_START)
      -t, --tty                  Allocate a terminal for the command
      -T, --no-tty               Don't allocate a terminal
      --env <variable>           Environment variable of the session, as NAME=value; can be repeated
      -A, --forward-agent        Let the workspace use your SSH agent ($BERTH_SSH_FORWARD_AGENT)
      --identity-agent <socket>  Socket of the SSH agent to forward, instead of SSH_AUTH_SOCK
                                 ($BERTH_SSH_IDENTITY_AGENT)
      -h, --help                 Show help

    Global flags:
      --url <url>                URL of the deployment ($BERTH_URL)
      --token <token>            Session token ($BERTH_SESSION_TOKEN)
      --global-config <folder>   Configuration folder ($BERTH_CONFIG_DIR)
      --header <header>          Header to send with every request, as Name=Value; can be repeated
      -v, --verbose              Show more detail in errors ($BERTH_VERBOSE)
      --no-color                 Disable colored output

    Examples:
      berth ssh dev
      berth ssh dev ls -la
      berth ssh dev -- 'make test && git status'
      berth ssh -A --env EDITOR=vim dev
    "
  `)
})

test('help, --help and -h show the same', async () => {
  const [one, two, three] = await Promise.all(
    [
      ['help', 'templates', 'create'],
      ['templates', 'create', '--help'],
      ['template', 'create', '-h'],
    ].map((words) => runBerth(words)),
  )
  expect(one).toEqual(two)
  expect(two?.stdout).toBe(three?.stdout.replace('template create', 'templates create'))
})

test.each([
  ['help', 'nothing'],
  ['nothing', '--help'],
  ['--help', 'nothing'],
  ['nothing', '--bogus'],
  ['templates', 'nothing', '--help'],
])('berth %s %s is an error that names the unknown command', async (...words) => {
  verifies('berth:cli:unknown-command')
  const { code, stdout, stderr } = await runBerth(words)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^unknown command "nothing" for "berth(?: templates)?"\.\nRun 'berth.* --help' for usage\.\n$/)
})

test('berth --version prints what berth version prints', async () => {
  verifies('berth:cli:version')
  const asked = await runBerth(['version'])
  expect(asked.stdout).toMatch(/^berth v\d/)
  expect(await runBerth(['--version'])).toEqual(asked)
})

test.each([40, 60, 80, 120, 400])('on a terminal of %d columns, no help is wider', async (columns) => {
  verifies('berth:cli:help-width')
  for (const { path } of [{ path: [] }, { path: ['templates'] }, { path: ['schedule'] }, ...commands]) {
    const output = Object.assign(new PassThrough(), { isTTY: true, columns })
    await runBerth([...path, '--help'], { output })
    const [help = ''] = String(output.read()).split('\nExamples:')
    const tooWide = help.split('\n').filter((line) => line.length > Math.min(columns, 140))
    expect(tooWide).toEqual([])
  }
})

test.each(commands)('$path has a summary of one line, and no flag of it hides a global one', ({ command }) => {
  expect(command.summary).toMatch(/^[A-Z][^\n]*[^.]$/)
  const own = Object.entries(command.flags).map(([key, flag]) => ({ name: flagName(key), short: flag.short }))
  for (const [key, flag] of Object.entries(globalFlags)) {
    expect(own.map(({ name }) => name)).not.toContain(flagName(key))
    if (flag.short) expect(own.map(({ short }) => short)).not.toContain(flag.short)
  }
})

test.each(commands.filter(({ command }) => !command.hidden))('the examples of $path parse', ({ path, command }) => {
  for (const example of command.examples ?? [])
    expect(parseWords(commandTree, example.split(/ > | -- /)[0]?.split(' ') ?? [])).toMatchObject({ kind: 'command', path })
})

test.each([
  [['te'], ['templates'], undefined],
  [['templates', ''], ['init', 'create', 'push', 'list'], undefined],
  [['start', ''], [], 'workspaces'],
  [['--url', 'x', 'start', ''], [], 'workspaces'],
  [['create', 'dev', '--template', ''], [], 'templates'],
  [['list', '-o', ''], ['table', 'json'], undefined],
  [['ssh', 'dev', '--', ''], [], undefined],
  [['ssh', 'dev', 'ls', '-'], [], undefined],
  [['ssh', 'dev', 'ls', '--stdio', ''], [], undefined],
  [['help', 'log'], ['login', 'logout'], undefined],
])('after %j come %j and the names of %s', (words, expected, names) => {
  const found = completeWords(commandTree, words)
  expect(found.words.filter((word) => word.startsWith(words.at(-1) ?? ''))).toEqual(expected)
  expect(found.names).toBe(names)
})

test('without a session, completion of names prints nothing and is not an error', async () => {
  expect(await runBerth(['__complete', '--', 'start', ''])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((await runBerth(['__complete', '--', 'sto'])).stdout).toBe('stop\n')
})

test.each(['bash', 'zsh', 'fish'])('there is a completion script for %s', async (shell) => {
  const { code, stdout } = await runBerth(['completion', shell])
  expect(code).toBe(0)
  expect(stdout).toContain('berth __complete --'.slice(6))
})

test('an unknown shell is refused with a list of known ones', async () => {
  expect((await runBerth(['completion', 'csh'])).stderr).toContain('Use one of: bash, zsh, fish.')
})
