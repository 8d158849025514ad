import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'

const TYPES = ['github', 'gitlab', 'bitbucket', 'azure-devops'] as const

/** A place where repositories are, at which people sign in so that git in their workspaces may use it. */
export interface GitAuthProvider {
  readonly id: string
  readonly type: (typeof TYPES)[number]
  readonly clientId: string
  readonly clientSecret: string
  readonly authUrl: string
  readonly tokenUrl: string
  /** Asked whether a token still holds; undefined: it is not asked. */
  readonly validateUrl: string | undefined
  /** Which repository URLs belong to it. */
  readonly regex: RegExp
  /** Tokens are not renewed: people sign in again. */
  readonly noRefresh: boolean
  readonly scopes: readonly string[]
}

/** What is known of a kind of provider, where its own site is meant. */
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

/** What a provider is told of by, each in a variable with its number. */
export const gitAuthFields = [
  'ID',
  'TYPE',
  'CLIENT_ID',
  'CLIENT_SECRET',
  'AUTH_URL',
  'TOKEN_URL',
  'VALIDATE_URL',
  'REGEX',
  'NO_REFRESH',
  'SCOPES',
] as const
type Field = (typeof gitAuthFields)[number]

/**
 * Reads `BERTH_GITAUTH_<n>_…` (or `CODER_GITAUTH_<n>_…`) from n = 0 until a gap (Coder v2 API, v0.13.4).
 *
 * @throws ConfigError with one line that names the variable.
 */
export function readGitAuthProviders(environment: Environment): GitAuthProvider[] {
  const providers: GitAuthProvider[] = []
  while (isNamed(environment, providers.length)) providers.push(readProvider(environment, providers.length))
  const repeated = providers.find(({ id }, index) => providers.findIndex((other) => other.id === id) !== index)
  if (repeated !== undefined)
    throw new ConfigError(`Two providers of git have the ID "${repeated.id}". Give each its own with BERTH_GITAUTH_<n>_ID.`)
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
  const type = TYPES.find((candidate) => candidate === read('TYPE')) ?? refuse('TYPE', `"${read('TYPE')}" is none of ${TYPES.join(', ')}.`)
  const standard = STANDARD[type]
  const filled = (field: 'CLIENT_ID' | 'CLIENT_SECRET'): string => read(field) || refuse(field, 'It must not be empty.')
  const url = (field: 'AUTH_URL' | 'TOKEN_URL' | 'VALIDATE_URL', fallback: string): string => {
    const value = read(field) || fallback
    if (value !== '' && !(URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))) refuse(field, `"${value}" is not a URL.`)
    return value
  }
  const id = read('ID') || type
  if (!/^[\w-]{1,64}$/.test(id)) refuse('ID', `"${id}" may have letters, digits, "_" and "-" only.`)
  return {
    id,
    type,
    clientId: filled('CLIENT_ID'),
    clientSecret: filled('CLIENT_SECRET'),
    authUrl: url('AUTH_URL', standard.authUrl),
    tokenUrl: url('TOKEN_URL', standard.tokenUrl),
    validateUrl: url('VALIDATE_URL', standard.validateUrl) || undefined,
    regex: readRegex(read('REGEX') || standard.regex) ?? refuse('REGEX', 'It is not a regular expression.'),
    noRefresh: readBool(read('NO_REFRESH')) ?? refuse('NO_REFRESH', 'Write true or false.'),
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
