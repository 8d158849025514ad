import { defineCommand } from '../command.ts'
import { yesFlag } from '../flags.ts'

export const logout = defineCommand({
  summary: 'Log out and delete the stored session',
  flags: { yes: yesFlag },
  async run({ yes }, { client, config, terminal }) {
    if (!yes) await terminal.prompts.confirm({ message: `Log out of ${client.url}?` })
    const ended = await client.sessions.logout().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    // The stored session goes even if the server can't end it.
    await Promise.all([config.remove('url'), config.remove('session'), config.remove('organization')])
    if (ended) throw ended.error
    terminal.note('You are logged out.')
  },
})
