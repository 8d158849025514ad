import { expect, test } from 'vitest'
import { isGroup, type Command, type CommandGroup } from '../src/command.ts'
import { commandTree } from '../src/command-tree.ts'
import { completeWords } from '../src/completion/complete-words.ts'
import { flagName } from '../src/read-input.ts'
import { globalFlags } from '../src/settings.ts'
import { runBerth } from './run-berth.ts'

const commands = walk(commandTree, [])

function walk(node: Command | CommandGroup, path: string[]): { path: string[]; command: Command }[] {
  if (!isGroup(node)) return [{ path, command: node }]
  return Object.entries(node.commands).flatMap(([name, child]) => walk(child, [...path, name]))
}

test('berth alone shows what there is', async () => {
  const { code, stdout, stderr } = await runBerth([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatchInlineSnapshot(`
    "Usage: berth <command>

    Workspaces for developers, on machines of your own.

    Commands:
      login [url]                    Sign in to a deployment, or set up a new one
      logout                         End the session
      create [name]                  Create a workspace
      list, ls                       List workspaces
      show <workspace>               Show a workspace with its resources and agents
      start <workspace>              Start a workspace
      stop <workspace>               Stop a workspace; its home stays
      ssh <workspace> [command...]   Open a shell in a workspace, or run a command there
      update <workspace>             Build a workspace with its template's newest version
      rename <workspace> <new-name>  Give a workspace another name
      delete, rm <workspace>         Delete a workspace and everything in it
      schedule                       Start and stop a workspace by itself
      templates, template            Manage what workspaces are made of
      completion <shell>             Print a script that makes your shell complete the words of berth
      version                        Show the version of this program
      help [command...]              Show what a command does

    Flags:
      -h, --help                     Show this help

    Global flags:
      --url <url>                    Address of the deployment ($BERTH_URL)
      --token <token>                Session token ($BERTH_SESSION_TOKEN)
      --global-config <folder>       Folder with the session ($BERTH_CONFIG_DIR)
      --header <header>              Send a header with every request, as Name=Value; can be repeated
      -v, --verbose                  Say more about errors ($BERTH_VERBOSE)
      --no-color                     Print without colours

    Examples:
      berth login https://berth.example.com
      berth create dev
      berth ssh dev
    "
  `)
})

test('a group shows its commands', async () => {
  expect((await runBerth(['templates'])).stdout).toMatchInlineSnapshot(`
    "Usage: berth templates <command>
    Aliases: template

    Manage what workspaces are made of.

    Commands:
      init [folder]             Write a starter template into a folder
      create [name]             Make a template out of a folder
      push [template]           Make a new version of a template out of a folder
      list, ls                  List templates

    Flags:
      -h, --help                Show this help

    Global flags:
      --url <url>               Address of the deployment ($BERTH_URL)
      --token <token>           Session token ($BERTH_SESSION_TOKEN)
      --global-config <folder>  Folder with the session ($BERTH_CONFIG_DIR)
      --header <header>         Send a header with every request, as Name=Value; can be repeated
      -v, --verbose             Say more about errors ($BERTH_VERBOSE)
      --no-color                Print without colours
    "
  `)
})

test('a command shows its words, its flags and an example', async () => {
  expect((await runBerth(['ssh', '--help'])).stdout).toMatchInlineSnapshot(`
    "Usage: berth ssh [flags] <workspace> [command...]

    Open a shell in a workspace, or run a command there.

    Arguments:
      workspace                 Its name, or owner/name, with .agent behind it where it has several
      command                   Run this instead of a shell; write -- before it

    Flags:
      --stdio                   Carry the bytes of another SSH client, as its ProxyCommand
                                ($BERTH_SSH_STDIO)
      -t, --tty                 Give the command a terminal
      -T, --no-tty              Give the shell no terminal
      -h, --help                Show this help

    Global flags:
      --url <url>               Address of the deployment ($BERTH_URL)
      --token <token>           Session token ($BERTH_SESSION_TOKEN)
      --global-config <folder>  Folder with the session ($BERTH_CONFIG_DIR)
      --header <header>         Send a header with every request, as Name=Value; can be repeated
      -v, --verbose             Say more about errors ($BERTH_VERBOSE)
      --no-color                Print without colours

    Examples:
      berth ssh dev
      berth ssh dev -- 'make test && git status'
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

test('help for what does not exist is an error', async () => {
  expect((await runBerth(['help', 'nothing'])).code).toBe(1)
})

test.each(commands)('$path says what it does in one line, and no flag of it hides one that all commands have', ({ command }) => {
  expect(command.summary).toMatch(/^[A-Z][^\n]*[^.]$/)
  const own = Object.entries(command.flags).map(([key, flag]) => ({ name: flagName(key), short: flag.short }))
  for (const [key, flag] of Object.entries(globalFlags)) {
    expect(own.map(({ name }) => name)).not.toContain(flagName(key))
    if (flag.short) expect(own.map(({ short }) => short)).not.toContain(flag.short)
  }
})

test.each(commands.filter(({ command }) => !command.hidden))('the examples of $path parse', async ({ command }) => {
  for (const example of command.examples ?? [])
    expect((await runBerth([...(example.split(/ > | -- /)[0]?.split(' ') ?? []), '--help'])).code).toBe(0)
})

test.each([
  [['te'], ['templates'], undefined],
  [['templates', ''], ['init', 'create', 'push', 'list'], undefined],
  [['start', ''], [], 'workspaces'],
  [['--url', 'x', 'start', ''], [], 'workspaces'],
  [['create', 'dev', '--template', ''], [], 'templates'],
  [['list', '-o', ''], ['table', 'json'], undefined],
  [['ssh', 'dev', '--', ''], [], undefined],
  [['help', 'log'], ['login', 'logout'], undefined],
])('after %j come %j and names of %s', (words, expected, names) => {
  const found = completeWords(commandTree, words)
  expect(found.words.filter((word) => word.startsWith(words.at(-1) ?? ''))).toEqual(expected)
  expect(found.names).toBe(names)
})

test('completion asks the deployment for names, and without a session prints nothing and is no error', async () => {
  expect(await runBerth(['__complete', '--', 'start', ''])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((await runBerth(['__complete', '--', 'sto'])).stdout).toBe('stop\n')
})

test.each(['bash', 'zsh', 'fish'])('there is a script for %s', async (shell) => {
  const { code, stdout } = await runBerth(['completion', shell])
  expect(code).toBe(0)
  expect(stdout).toContain('berth __complete --'.slice(6))
})

test('a shell nobody knows is told which ones are known', async () => {
  expect((await runBerth(['completion', 'csh'])).stderr).toContain('There is one for: bash, zsh, fish.')
})
