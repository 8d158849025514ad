import { defineCommand } from '../command.ts'
import { outputFlag } from '../flags.ts'
import { apiVersion, version as number } from '../version.ts'

export const version = defineCommand({
  summary: 'Show the version of berth',
  aliases: ['--version'],
  flags: { output: outputFlag },
  run({ output }, { terminal }) {
    if (output === 'json') terminal.printJson({ version: number, api_version: apiVersion })
    else terminal.print(`berth ${number} (Coder v2 API ${apiVersion})`)
    return Promise.resolve()
  },
})
