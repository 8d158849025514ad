import { tokenNames, type Environment } from './config.ts'
import type { AgentMetadata } from './protocol.ts'

/** The user that the workspace's processes run as. */
export interface Account {
  username: string
  home: string
  shell: string
}

/**
 * The passwd entry of the agent's uid; undefined when there is none, as for uids created for a
 * workspace.
 */
export type PasswdEntry = { username: string; homedir: string; shell: string | null } | undefined

const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const noLogin = /\/(nologin|false)$/

/**
 * Returns the account of the user's processes. The agent's own HOME and USER take precedence over
 * passwd, since whoever started the agent chose them.
 *
 * @param canRun whether a path is an executable program.
 */
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
/** Variables with which programs find the name of a uid that the machine's passwd lacks. */
const naming = ['LD_PRELOAD', 'NSS_WRAPPER_PASSWD', 'NSS_WRAPPER_GROUP']
const mirrored = ['WORKSPACE_NAME', 'WORKSPACE_OWNER_NAME', 'WORKSPACE_ID', 'AGENT_NAME'] as const

/**
 * Returns the environment of the user's processes: a clean base, then the template's variables with
 * `$NAME` and `${NAME}` expanded from the base.
 */
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
  if (own['NSS_WRAPPER_PASSWD'] !== undefined) {
    for (const name of naming) base[name] = own[name] ?? ''
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

/** Whether a name and a value can be set in a process's environment. */
export function isVariable(name: string, value: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes('\0') && !tokenNames.some((token) => token === name)
}

/** Replaces `$NAME` and `${NAME}`. An unknown name becomes empty, as in a shell. */
export function expandVariables(value: string, variables: Environment): string {
  return value.replace(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g, (_match, braced?: string, bare?: string) => {
    return variables[braced ?? bare ?? ''] ?? ''
  })
}

/**
 * Returns the path that a template means: with `~` and variables expanded, and relative to the
 * home.
 */
export function expandPath(path: string, environment: Environment): string {
  const home = environment['HOME'] ?? '/'
  const expanded = expandVariables(path.replace(/^~(?=\/|$)/, home), environment)
  if (expanded === '') return home
  return expanded.startsWith('/') ? expanded : `${home}/${expanded}`
}

/**
 * Returns where the user's processes start: the template's directory, with `~` and variables
 * expanded, or the home if it doesn't exist.
 */
export function startDirectory(directory: string, environment: Environment, isDirectory: (path: string) => boolean): string {
  const home = environment['HOME'] ?? '/'
  const path = expandPath(directory, environment)
  if (isDirectory(path)) return path
  return isDirectory(home) ? home : '/'
}

function withoutTokens(environment: Record<string, string>): Record<string, string> {
  for (const name of tokenNames) delete environment[name]
  return environment
}
