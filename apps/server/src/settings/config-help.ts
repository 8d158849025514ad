import { settingSections, settings, type Setting } from '@berth/schema'

const USAGE = `Usage: berth-server [settings]
       berth-server rotate-secrets [settings]     encrypts the secrets in the database with a new key
       berth-server completion <bash|zsh|fish>    prints a script that completes settings in your shell

Give each setting as a flag, as an environment variable, or in server.yaml in the directory BERTH_CONFIG_DIR.
`

/** Returns the text of `--help`. */
export function configHelp(): string {
  const all = Object.values(settings)
  const width = Math.max(...all.map((setting) => wordsOf(setting).length))
  const sections = [
    ...settingSections.map((section) => ({ ...section, settings: section.settings.filter(({ unavailable }) => !unavailable) })),
    { title: 'Settings of Coder that Berth does not have', settings: all.filter(({ unavailable }) => unavailable) },
  ]
  const texts = sections.map((section) => {
    const rows = section.settings.map((setting) => `  ${wordsOf(setting).padEnd(width)}  ${textOf(setting)}\n`)
    return `\n${section.title}:\n${rows.join('')}`
  })
  return USAGE + texts.join('')
}

function wordsOf({ shorthand, flag, variable }: Setting): string {
  return [shorthand && `-${shorthand}`, flag && `--${flag}`, variable].filter((word) => word !== '').join(', ')
}

function textOf({ usage, default: standard }: Setting): string {
  return standard === '' ? usage : `${usage} Default: ${standard}.`
}
