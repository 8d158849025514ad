import { maxCommandWords } from '@berth/schema/rules'
import { CallFailure } from '../calls/call-failure.ts'
import { isVariable } from '../user-environment.ts'
import type { Launch, Workspace } from '../workspace.ts'

/** A command as a client asks for it. */
export interface WantedCommand {
  command: string[]
  cwd?: string
  env?: Readonly<Record<string, string>>
}

/**
 * Returns how to start a command, without a shell. Throws {@link CallFailure} `invalid_command`.
 */
export function launchOf({ command, cwd = '', env = {} }: WantedCommand, workspace: Workspace): Launch {
  const [file = '', ...args] = command
  if (file === '') throw new CallFailure('invalid_command', 'The command is empty. Give the program as its first word.')
  if (command.length > maxCommandWords) throw new CallFailure('invalid_command', `A command has at most ${maxCommandWords} words.`)
  if (command.some((word) => word.includes('\0'))) throw new CallFailure('invalid_command', 'The command contains a zero byte.')
  const wrong = Object.entries(env).find(([name, value]) => !isVariable(name, value))
  if (wrong !== undefined) throw new CallFailure('invalid_command', `The variable "${wrong[0]}" cannot be set.`)
  const directory = workspace.path(cwd)
  if (cwd.includes('\0') || !workspace.isDirectory(directory))
    throw new CallFailure('invalid_command', `There is no folder "${directory}" to start the command in.`)
  return { file, args, cwd: directory, environment: { ...workspace.environment(), ...env } }
}
