import type { SettingRowAt } from '@berth/schema'
import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'

const TYPES = ['github', 'gitlab', 'bitbucket', 'azure-devops'] as const

/** A Git host that people sign in to, so that Git in their workspaces gets access to it. */
export interface GitAuthProvider {
  readonly id: string
  readonly type: (typeof TYPES)[number]
  readonly clientId: string
  readonly clientSecret: string
  readonly authUrl: string
  readonly tokenUrl: string
  /** Checks whether a token is still valid. Undefined: Berth doesn't check. */
  readonly validateUrl: string | undefined
  /** Matches the URLs of its repositories. */
  readonly regex: RegExp
  /** People sign in again when a token expires, instead of Berth renewing it. */
  readonly noRefresh: boolean
  readonly scopes: readonly string[]
}

/** Defaults for the public site of each type. */
const STANDARD: Readonly<
  Record<GitAuthProvider['type'], { authUrl: string; tokenUrl: string; validateUrl: string; regex: string; scopes: string }>
> = {
  github: {
    authUrl: 'https://github.com/login/oauth/authorize',
    tokenUrl: 'https://github.com/login/oauth/access_token',
    validateUrl: 'https://api.github.com/user',
    regex: String.raw`^(https?://)?github\.com(/.*)?$`,
    scopes: 'repo workflow',
  },
  gitlab: {
    authUrl: 'https://gitlab.com/oauth/authorize',
    tokenUrl: 'https://gitlab.com/oauth/token',
    validateUrl: 'https://gitlab.com/oauth/token/info',
    regex: String.raw`^(https?://)?gitlab\.com(/.*)?$`,
    scopes: 'write_repository',
  },
  bitbucket: {
    authUrl: 'https://bitbucket.org/site/oauth2/authorize',
    tokenUrl: 'https://bitbucket.org/site/oauth2/access_token',
    validateUrl: 'https://api.bitbucket.org/2.0/user',
    regex: String.raw`^(https?://)?bitbucket\.org(/.*)?$`,
    scopes: 'account repository:write',
  },
  'azure-devops': {
    authUrl: 'https://app.vssps.visualstudio.com/oauth2/authorize',
    tokenUrl: 'https://app.vssps.visualstudio.com/oauth2/token',
    validateUrl: '',
    regex: String.raw`^(https?://)?dev\.azure\.com(/.*)?$`,
    scopes: 'vso.code_write',
  },
}

type Environment = Readonly<Record<string, string | undefined>>

type Field = SettingRowAt<'gitAuth'>['fields'][number]

/**
 * Reads `BERTH_GITAUTH_<n>_…`, or `CODER_GITAUTH_<n>_…`, from n = 0 up to the first gap (Coder v2
 * API, v0.13.4).
 *
 * @throws ConfigError with one line that names the variable.
 */
export function readGitAuthProviders(environment: Environment): GitAuthProvider[] {
  const providers: GitAuthProvider[] = []
  while (isNamed(environment, providers.length)) providers.push(readProvider(environment, providers.length))
  const repeated = providers.find(({ id }, index) => providers.findIndex((other) => other.id === id) !== index)
  if (repeated !== undefined)
    throw new ConfigError(`Two Git providers have the ID "${repeated.id}". Give each its own ID with BERTH_GITAUTH_<n>_ID.`)
  return providers
}

function isNamed(environment: Environment, index: number): boolean {
  return Object.keys(environment).some((name) => new RegExp(`^(?:BERTH|CODER)_GITAUTH_${index}_`).test(name))
}

function readProvider(environment: Environment, index: number): GitAuthProvider {
  const name = (field: Field): string => `BERTH_GITAUTH_${index}_${field}`
  const read = (field: Field): string => environment[name(field)] ?? environment[`CODER_GITAUTH_${index}_${field}`] ?? ''
  const refuse = (field: Field, reason: string): never => {
    throw new ConfigError(`${name(field)} cannot be used: ${reason}`)
  }
  const type =
    TYPES.find((candidate) => candidate === read('TYPE')) ?? refuse('TYPE', `"${read('TYPE')}" is not one of ${TYPES.join(', ')}.`)
  const standard = STANDARD[type]
  const filled = (field: 'CLIENT_ID' | 'CLIENT_SECRET'): string => read(field) || refuse(field, 'it must not be empty.')
  const url = (field: 'AUTH_URL' | 'TOKEN_URL' | 'VALIDATE_URL', fallback: string): string => {
    const value = read(field) || fallback
    if (value !== '' && !(URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)))
      refuse(field, `"${value}" is not a URL. Write it with http:// or https://.`)
    return value
  }
  const id = read('ID') || type
  if (!/^[\w-]{1,64}$/.test(id)) refuse('ID', `"${id}" may contain only letters, digits, "_" and "-", at most 64 of them.`)
  return {
    id,
    type,
    clientId: filled('CLIENT_ID'),
    clientSecret: filled('CLIENT_SECRET'),
    authUrl: url('AUTH_URL', standard.authUrl),
    tokenUrl: url('TOKEN_URL', standard.tokenUrl),
    validateUrl: url('VALIDATE_URL', standard.validateUrl) || undefined,
    regex: readRegex(read('REGEX') || standard.regex) ?? refuse('REGEX', 'it is not a regular expression.'),
    noRefresh: readBool(read('NO_REFRESH')) ?? refuse('NO_REFRESH', 'write true or false.'),
    scopes: (read('SCOPES') || standard.scopes).split(/[\s,]+/).filter((scope) => scope !== ''),
  }
}

function readRegex(text: string): RegExp | undefined {
  try {
    return new RegExp(text)
  } catch {
    return undefined
  }
}

function readBool(text: string): boolean | undefined {
  try {
    return text === '' ? false : parseBool(text)
  } catch {
    return undefined
  }
}
