import { defineCommand, rest } from '../command.ts'

export const help = defineCommand({
  summary: 'Show what a command does',
  args: { command: rest('The words of the command', 'commands') },
  examples: ['help templates create'],
  run({ command }, context) {
    context.terminal.print(context.help(command))
    return Promise.resolve()
  },
})
