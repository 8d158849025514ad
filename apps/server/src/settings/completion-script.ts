import { settings, type Setting } from '@berth/schema'

/** Commands, with the words that may follow each. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = { 'rotate-secrets': [], completion: ['bash', 'zsh', 'fish'] }

const SCRIPTS: Readonly<Record<string, (flags: readonly Setting[]) => string>> = { bash, zsh, fish }

export const completionShells: readonly string[] = Object.keys(SCRIPTS)

/**
 * Returns a script that makes a shell complete the command line of `berth-server`; undefined for a
 * shell without one.
 */
export function completionScript(shell: string): string | undefined {
  const flags = Object.values(settings).filter(({ flag, unavailable }) => flag !== '' && !unavailable)
  return SCRIPTS[shell]?.(flags)
}

function bash(flags: readonly Setting[]): string {
  const words = [...flags.flatMap(wordsOf), '--help']
  const choices = flags.filter((setting) => setting.choices !== undefined)
  const cases = [
    ...Object.entries(COMMANDS).map(([command, next]) => ({ words: [command], next })),
    ...choices.map((setting) => ({ words: wordsOf(setting), next: setting.choices ?? [] })),
  ]
  return `# bash completion for berth-server
_berth_server() {
  local word=\${COMP_WORDS[COMP_CWORD]} words=''
  case \${COMP_WORDS[COMP_CWORD - 1]} in
${cases.map((each) => `    ${each.words.join(' | ')}) words='${each.next.join(' ')}' ;;`).join('\n')}
  esac
  if [[ $word == -* ]]; then
    words='${words.join(' ')}'
  elif ((COMP_CWORD == 1)); then
    words='${Object.keys(COMMANDS).join(' ')}'
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _berth_server berth-server
`
}

function zsh(flags: readonly Setting[]): string {
  const specs = flags.map((setting) => {
    const words = wordsOf(setting)
    const all = words.length === 1 ? words.join('') : `'(${words.join(' ')})'{${words.join(',')}}`
    const value = setting.kind === 'bool' ? '' : `:value:${setting.choices === undefined ? '_files' : `(${setting.choices.join(' ')})`}`
    return `${all}${quoted(`[${summaryOf(setting).replace(/[[\]\\]/g, String.raw`\$&`)}]${value}`)}`
  })
  return `#compdef berth-server
# zsh completion for berth-server
_arguments \\
  ${specs.join(' \\\n  ')} \\
  '--help[Print the settings.]' \\
  '1:command:(${Object.keys(COMMANDS).join(' ')})' \\
  '2:shell:(${COMMANDS['completion']?.join(' ')})'
`
}

function fish(flags: readonly Setting[]): string {
  const rows = flags.map((setting) => {
    const { flag, shorthand, kind, choices } = setting
    const value =
      kind === 'bool' ? '' : choices === undefined ? ' --require-parameter' : ` --exclusive --arguments ${quoted(choices.join(' '))}`
    return `${shorthand === '' ? '' : `--short-option ${shorthand} `}--long-option ${flag}${value} --description ${quoted(summaryOf(setting))}`
  })
  const commands = Object.entries(COMMANDS).flatMap(([command, next]) => [
    `--condition __fish_use_subcommand --arguments ${command}`,
    ...(next.length === 0 ? [] : [`--condition '__fish_seen_subcommand_from ${command}' --exclusive --arguments '${next.join(' ')}'`]),
  ])
  const lines = [...rows, '--long-option help --description Print\\ the\\ settings.', ...commands]
  return `# fish completion for berth-server\n${lines.map((line) => `complete --command berth-server ${line}\n`).join('')}`
}

function wordsOf({ shorthand, flag }: Setting): string[] {
  return [...(shorthand === '' ? [] : [`-${shorthand}`]), `--${flag}`]
}

/** Returns the first sentence about a setting. */
function summaryOf({ usage }: Setting): string {
  return usage.replace(/\.(?: .*)?$/, '')
}

/** Quotes a text for a shell, in which a single quote can't be escaped inside single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
