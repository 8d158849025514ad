import { ApiError, type Client } from '@berth/sdk'
import { PasswordError, checkPassword, isEmail, isName } from '@berth/schema/rules'
import { defineCommand, optionalWord } from '../command.ts'
import { connect } from '../connect.ts'
import type { Context } from '../context.ts'
import { CommandError } from '../failures.ts'
import { text, toggle } from '../flags.ts'
import { nameFault } from '../name-fault.ts'
import { readSecretFrom } from '../read-secret.ts'
import { headersOf } from '../settings.ts'

/** Where `pnpm start` serves. */
const localUrl = 'http://127.0.0.1:3000'

const flags = {
  email: text('E-mail address to log in with', { placeholder: 'address' }),
  passwordStdin: toggle('Read the password from standard input'),
  firstUserEmail: text('E-mail address of the first user', { variable: 'FIRST_USER_EMAIL', placeholder: 'address' }),
  firstUserUsername: text('Username of the first user', { variable: 'FIRST_USER_USERNAME', placeholder: 'name' }),
  firstUserPassword: text('Password of the first user', { variable: 'FIRST_USER_PASSWORD', placeholder: 'password' }),
  firstUserTrial: toggle('Accepted for compatibility; Berth has no trial', { variable: 'FIRST_USER_TRIAL', hidden: true }),
} as const

interface Answers {
  readonly email: string | undefined
  readonly passwordStdin: boolean
  readonly firstUserEmail: string | undefined
  readonly firstUserUsername: string | undefined
  readonly firstUserPassword: string | undefined
  readonly firstUserTrial: boolean
}

export const login = defineCommand({
  summary: 'Log in to a deployment, or set up a new one',
  args: { url: optionalWord(`URL of the deployment (default: the last one you logged in to, else ${localUrl})`) },
  flags,
  examples: [
    'login https://berth.example.com',
    'login --first-user-email ada@example.com --first-user-username ada --first-user-password …',
  ],
  async run({ url: typed, ...answers }, context) {
    const { config, settings, terminal, world } = context
    const stored = await config.read('url')
    const url = completeUrl(typed ?? settings.url ?? stored ?? localUrl)
    const headers = headersOf(settings.header)
    const anonymous = connect(world, { url, headers })
    await anonymous.deployment.buildInfo()
    const isNew = await firstUserIsMissing(anonymous)
    const token = isNew ? await setUp(anonymous, answers, context) : await signIn(anonymous, answers, context)
    const user = await connect(world, { url, token, headers }).users.get({ params: { user: 'me' } })
    await config.write('session', token)
    await config.write('url', anonymous.url)
    terminal.print(`Welcome, ${user.username}! You are logged in to ${anonymous.url}.`)
    if (isNew) terminal.note("Next, choose a template with 'berth templates list', then create a workspace with 'berth create dev'.")
  },
})

/** Adds a missing scheme: HTTPS, or HTTP for the local machine. */
export function completeUrl(url: string): string {
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(url)) return url
  return `${/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/.test(url) ? 'http' : 'https'}://${url}`
}

async function firstUserIsMissing(client: Client): Promise<boolean> {
  try {
    await client.users.hasFirst()
    return false
  } catch (error) {
    if (ApiError.is(error, 404)) return true
    throw error
  }
}

async function setUp(client: Client, answers: Answers, { terminal, world }: Context): Promise<string> {
  const { prompts } = terminal
  terminal.note(`${client.url} has no users yet. The first user becomes the owner.`)
  const username =
    answers.firstUserUsername ??
    (await prompts.text({
      message: 'Username',
      flag: '--first-user-username',
      ...(isName(world.username) && { initial: world.username }),
      validate: (name) => nameFault('user', name),
    }))
  const email =
    answers.firstUserEmail ??
    (await prompts.text({
      message: 'E-mail address',
      flag: '--first-user-email',
      validate: (address) => (isEmail(address) ? undefined : 'Enter a valid e-mail address.'),
    }))
  const password = answers.firstUserPassword ?? (await askNewPassword({ terminal }))
  const fault = passwordFault(password)
  if (fault !== undefined) throw new CommandError(fault)
  await client.users.createFirst({ body: { email, username, password, trial: answers.firstUserTrial } })
  const { session_token } = await client.sessions.login({ body: { email, password } })
  return session_token
}

async function askNewPassword({ terminal: { prompts } }: Pick<Context, 'terminal'>): Promise<string> {
  const flag = '--first-user-password'
  const password = await prompts.secret({ message: 'Password', flag, validate: passwordFault })
  const validate = (answer: string): string | undefined => (answer === password ? undefined : "The passwords don't match.")
  return prompts.secret({ message: 'Repeat the password', flag, validate })
}

function passwordFault(password: string): string | undefined {
  try {
    checkPassword(password)
    return undefined
  } catch (error) {
    if (!(error instanceof PasswordError)) throw error
    return error.message
  }
}

async function signIn(client: Client, answers: Answers, { settings, terminal }: Context): Promise<string> {
  // The caller checks the token.
  if (settings.token !== undefined) return settings.token
  // A script that sets up a deployment may run again. Then its first user logs in.
  const email =
    answers.email ?? answers.firstUserEmail ?? (await terminal.prompts.text({ message: 'E-mail address', flag: '--email or --token' }))
  const password = answers.passwordStdin
    ? await readSecretFrom(terminal.input)
    : (answers.firstUserPassword ?? (await terminal.prompts.secret({ message: 'Password', flag: '--password-stdin or --token' })))
  try {
    return (await client.sessions.login({ body: { email, password } })).session_token
  } catch (error) {
    // 401 here isn't about a session, and to log in is what the user is doing.
    if (!ApiError.is(error, 401)) throw error
    throw new CommandError(error.message, {
      help: 'Check both and try again. An administrator can set a new password.',
      cause: error,
    })
  }
}
