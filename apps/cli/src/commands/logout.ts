import { defineCommand, yesFlag } from '../command.ts'

export const logout = defineCommand({
  summary: 'End the session',
  flags: { yes: yesFlag },
  async run({ yes }, { client, config, terminal }) {
    if (!yes) await terminal.prompts.confirm({ message: `Log out of ${client.url}?` })
    const ended = await client.sessions.logout().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    // What is kept here goes in any case: whoever logs out wants the session gone from this machine.
    await Promise.all([config.remove('url'), config.remove('session'), config.remove('organization')])
    if (ended) throw ended.error
    terminal.note('You are logged out.')
  },
})
