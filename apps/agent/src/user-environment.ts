import { tokenNames, type Environment } from './config.ts'
import type { AgentMetadata } from './protocol.ts'

/** Who the processes of the workspace run as. */
export interface Account {
  username: string
  home: string
  shell: string
}

/** The passwd entry of the agent's uid; undefined when there is none, as with uids that exist only for a workspace. */
export type PasswdEntry = { username: string; homedir: string; shell: string | null } | undefined

const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const noLogin = /\/(nologin|false)$/

/** `canRun` tells whether a program is there to be run. HOME and USER of the agent itself win over passwd: who started it knows best. */
export function readAccount(environment: Environment, passwd: PasswdEntry, canRun: (path: string) => boolean): Account {
  const shells = [passwd?.shell, environment['SHELL'], '/bin/bash', '/bin/sh']
  const shell = shells.find((path): path is string => typeof path === 'string' && path !== '' && !noLogin.test(path) && canRun(path))
  return {
    username: environment['USER'] || environment['LOGNAME'] || passwd?.username || 'berth',
    home: environment['HOME'] || passwd?.homedir || '/',
    shell: shell ?? '/bin/sh',
  }
}

const inherited = /^(LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_RUNTIME_DIR|SSL_CERT_FILE|SSL_CERT_DIR)$/
const mirrored = ['WORKSPACE_NAME', 'WORKSPACE_OWNER_NAME', 'WORKSPACE_ID', 'AGENT_NAME'] as const

/** The environment of every process of the user: a clean base, then what the template sets, with `$NAME` and `${NAME}` taken from the base. */
export function userEnvironment(own: Environment, account: Account, metadata: AgentMetadata | undefined): Record<string, string> {
  const base: Record<string, string> = {
    PATH: own['PATH'] || fallbackPath,
    HOME: account.home,
    USER: account.username,
    LOGNAME: account.username,
    SHELL: account.shell,
    CODER: 'true',
    BERTH: 'true',
  }
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && inherited.test(name)) base[name] = value
  }
  for (const name of mirrored) {
    const value = own[`BERTH_${name}`] ?? own[`CODER_${name}`]
    if (value !== undefined) Object.assign(base, { [`BERTH_${name}`]: value, [`CODER_${name}`]: value })
  }
  const result = { ...base }
  for (const [name, value] of Object.entries(metadata?.environment_variables ?? {})) {
    if (isVariable(name, value)) result[name] = expandVariables(value, base)
  }
  return withoutTokens(result)
}

/** Whether a name and a value can be set in the environment of a process. */
export function isVariable(name: string, value: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes('\0') && !tokenNames.some((token) => token === name)
}

/** Replaces `$NAME` and `${NAME}`; an unknown name becomes nothing, as in a shell. */
export function expandVariables(value: string, variables: Environment): string {
  return value.replace(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g, (_match, braced?: string, bare?: string) => {
    return variables[braced ?? bare ?? ''] ?? ''
  })
}

/** Where the processes of the user start: the template's directory, `~` and variables expanded, when it is there, else the home. */
export function startDirectory(directory: string, environment: Environment, isDirectory: (path: string) => boolean): string {
  const home = environment['HOME'] ?? '/'
  const expanded = expandVariables(directory.replace(/^~(?=\/|$)/, home), environment)
  if (expanded !== '') {
    const path = expanded.startsWith('/') ? expanded : `${home}/${expanded}`
    if (isDirectory(path)) return path
  }
  return isDirectory(home) ? home : '/'
}

function withoutTokens(environment: Record<string, string>): Record<string, string> {
  for (const name of tokenNames) delete environment[name]
  return environment
}
