import { defineCommand, word } from '../command.ts'
import { completionScripts } from '../completion/scripts.ts'
import { UsageError } from '../failures.ts'

const shells = Object.keys(completionScripts).join(', ')

export const completion = defineCommand({
  summary: 'Print a completion script for your shell',
  args: { shell: word(`One of: ${shells}`) },
  examples: [
    'completion bash > /etc/bash_completion.d/berth',
    'completion zsh > "${fpath[1]}/_berth"',
    'completion fish > ~/.config/fish/completions/berth.fish',
  ],
  run({ shell }, { terminal }) {
    const script = completionScripts[shell]
    if (script === undefined) throw new UsageError(`There is no completion script for "${shell}". Use one of: ${shells}.`)
    terminal.print(script)
    return Promise.resolve()
  },
})
