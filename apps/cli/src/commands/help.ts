import { defineCommand, rest } from '../command.ts'

export const help = defineCommand({
  summary: 'Show help for a command',
  args: { command: rest('Command to show help for', 'commands') },
  examples: ['help templates create'],
  run({ command }, context) {
    context.terminal.print(context.help(command))
    return Promise.resolve()
  },
})
