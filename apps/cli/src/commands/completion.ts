import { defineCommand, word } from '../command.ts'
import { completionScripts } from '../completion/scripts.ts'
import { UsageError } from '../failures.ts'

export const completion = defineCommand({
  summary: 'Print a script that makes your shell complete the words of berth',
  args: { shell: word('bash, zsh or fish') },
  examples: [
    'completion bash > /etc/bash_completion.d/berth',
    'completion zsh > "${fpath[1]}/_berth"',
    'completion fish > ~/.config/fish/completions/berth.fish',
  ],
  run({ shell }, { terminal }) {
    const script = completionScripts[shell]
    if (script === undefined)
      throw new UsageError(`There is no script for "${shell}". There is one for: ${Object.keys(completionScripts).join(', ')}.`)
    terminal.print(script)
    return Promise.resolve()
  },
})
