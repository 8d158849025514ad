import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { counted } from '../counted.ts'
import { UsageError } from '../failures.ts'
import { list, parsed, toggle, yesFlag } from '../flags.ts'
import { readConfiguration, writeConfiguration } from '../ssh-config/configuration-file.ts'
import { renderHost, type Host } from '../ssh-config/host-block.ts'
import { diffLines } from '../ssh-config/line-diff.ts'
import { listHosts } from '../ssh-config/list-hosts.ts'
import { findSection, optionsOf, renderSection, replaceSection, type Section, type SectionOptions } from '../ssh-config/section.ts'
import { safeText } from '../terminal/safe-text.ts'

export const configSsh = defineCommand({
  summary: 'Make your workspaces known to SSH clients and editors',
  flags: {
    sshConfigFile: parsed('SSH configuration file to change', {
      read: (path) => path,
      defaultValue: '~/.ssh/config',
      variable: 'SSH_CONFIG_FILE',
      placeholder: 'file',
    }),
    sshOption: list('SSH option for every workspace, such as ForwardAgent=yes; can be repeated', { short: 'o', placeholder: 'option' }),
    compat: toggle('Also define the host names coder.<workspace>'),
    usePreviousOptions: toggle('Use the options of the last run, not those given now', { variable: 'SSH_USE_PREVIOUS_OPTIONS' }),
    dryRun: toggle('Show what would change, and change nothing', { short: 'n' }),
    remove: toggle('Remove everything that this command added'),
    yes: yesFlag,
  },
  examples: ['config-ssh', 'config-ssh -o ForwardAgent=yes --dry-run', 'config-ssh --remove'],
  async run(input, context) {
    const { terminal } = context
    const file = await readConfiguration(pathOf(input.sshConfigFile, context))
    const previous = findSection(file.text)
    const options = chooseOptions(input, { previous, context })
    const hosts = input.remove ? [] : await listHosts(context)
    const section = input.remove ? undefined : renderSection(options, renderHosts(hosts, { options, context }))
    const changed = replaceSection(file.text, section === undefined ? undefined : bytesOf(section))
    if (changed === file.text) return terminal.note(`Nothing to change in ${file.path}.`)
    const diff = diffLines(textOf(file.text), textOf(changed))
    if (input.dryRun) return terminal.print(colored(diff, terminal.paint))
    if (!input.yes) {
      terminal.note(`Changes to ${file.path}:\n${colored(diff, terminal.paintNote)}`)
      await terminal.prompts.confirm({ message: `Change ${file.path}?` })
    }
    await writeConfiguration(file, changed)
    if (input.remove) return terminal.note(`Removed the workspaces from ${file.path}.`)
    terminal.note(`Wrote ${counted(hosts.length, 'host')} to ${file.path}.${connectHint(hosts)}`)
  },
})

/** Returns the path of the file, with `~` for the home directory as in SSH. */
function pathOf(typed: string, { world }: Context): string {
  return resolve(
    world.workingDirectory,
    typed.replace(/^~(?=[\\/]|$)/, () => world.homeDirectory),
  )
}

interface Given {
  readonly sshOption: readonly string[]
  readonly compat: boolean
  readonly usePreviousOptions: boolean
  readonly remove: boolean
}

/** @throws UsageError if an option isn't one that a host can have. */
function chooseOptions(
  given: Given,
  { previous, context: { terminal } }: { readonly previous: Section | undefined; readonly context: Context },
): SectionOptions {
  const before = previous && optionsOf({ ...previous, text: textOf(previous.text) })
  if (given.usePreviousOptions && before !== undefined) return before
  const options = { sshOptions: given.sshOption.map(readOption), compat: given.compat }
  if (before !== undefined && !given.remove && JSON.stringify(before) !== JSON.stringify(options)) {
    terminal.note('The options differ from those of the last run. To keep those, pass --use-previous-options.')
  }
  return options
}

function readOption(typed: string): string {
  const option = typed.trim()
  const keyword = /^([A-Za-z]\w*)(?:\s*=\s*|\s+)\S[^\r\n]*$/.exec(option)?.[1]
  if (keyword === undefined) throw new UsageError(`--ssh-option takes Name=Value, not "${typed}".`)
  if (/^(host|match)$/i.test(keyword)) throw new UsageError(`--ssh-option can't be "${typed}": each host of Berth has its own.`)
  return option
}

function renderHosts(
  hosts: readonly Host[],
  { options, context: { config, settings, world } }: { readonly options: SectionOptions; readonly context: Context },
): string[] {
  const folder = resolve(world.workingDirectory, config.folder)
  const headers = settings.header.flatMap((header) => ['--header', header])
  const program = [...world.program, '--global-config', folder, ...headers]
  return hosts.map((host) => renderHost(host, options, { platform: world.platform, program }))
}

function connectHint([first]: readonly Host[]): string {
  if (first === undefined) return " You have no workspaces yet. Create one with 'berth create <name>', then run this again."
  return ` Connect with 'ssh berth.${first.workspace}${first.isOnly ? '' : `.${first.agent}`}'.`
}

function colored(diff: readonly string[], paint: Context['terminal']['paint']): string {
  return diff.map((line) => paint(line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'dim', safeText(line))).join('\n')
}

/** Writes a text as one character for each byte of its UTF-8 form. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** Reads a text that has one character for each byte. */
function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}
