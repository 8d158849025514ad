import { CommandError } from '../failures.ts'
import type { SectionOptions } from './section.ts'

/** An agent to connect to. */
export interface Host {
  readonly workspace: string
  readonly agent: string
  /** Whether it is the only agent of its workspace, whose name then suffices. */
  readonly isOnly: boolean
}

/** How the SSH client starts this program. */
export interface Proxy {
  readonly platform: NodeJS.Platform
  /** Words that start this program, up to the command. */
  readonly program: readonly string[]
}

/**
 * Writes the block of a host. The options come first, because SSH takes the first value it reads.
 */
export function renderHost(host: Host, options: SectionOptions, proxy: Proxy): string {
  const full = `${host.workspace}.${host.agent}`
  const names = ['berth', ...(options.compat ? ['coder'] : [])].flatMap((prefix) => [
    ...(host.isOnly ? [`${prefix}.${host.workspace}`] : []),
    `${prefix}.${full}`,
  ])
  const settings = [
    ...options.sshOptions,
    `HostName ${names[0] ?? ''}`,
    // The workspace may have to finish its build first.
    'ConnectTimeout 0',
    'ServerAliveInterval 15',
    // The server makes sure that it is the right workspace, which has a new key with each start.
    'StrictHostKeyChecking no',
    'UserKnownHostsFile /dev/null',
    'LogLevel ERROR',
    `ProxyCommand ${proxyCommand([...proxy.program, 'ssh', '--stdio', full], proxy.platform)}`,
  ]
  return [`Host ${names.join(' ')}`, ...settings.map((setting) => `  ${setting}`)].join('\n')
}

/** Whether a name can stand in an SSH configuration and mean itself. */
export function isHostName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]*$/.test(name)
}

/**
 * Writes words for a ProxyCommand, which goes to the user's shell after SSH has filled in what
 * follows each `%`.
 *
 * @throws CommandError if a word has a line break, which nothing can quote.
 */
function proxyCommand(words: readonly string[], platform: NodeJS.Platform): string {
  const quote = platform === 'win32' ? quoteForWindows : quoteForShell
  const broken = words.find((word) => /[\r\n\0]/.test(word))
  if (broken !== undefined) {
    throw new CommandError(`${JSON.stringify(broken)} can't be part of an SSH configuration, because it has a line break.`)
  }
  return words.map((word) => quote(word).replaceAll('%', '%%')).join(' ')
}

function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

function quoteForWindows(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word.replaceAll('"', String.raw`\"`)}"`
}
