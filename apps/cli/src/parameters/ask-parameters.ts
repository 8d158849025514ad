import type { CreateParameterRequest, ParameterSchema } from '@berth/schema'
import { CommandError } from '../failures.ts'
import type { ParameterValues } from './parameter-file.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Where values come from. */
export interface AskOptions {
  /** Values from the parameter file. */
  readonly values: ParameterValues
  /** Whether to use defaults instead of asking. */
  readonly takeDefaults: boolean
  readonly terminal: Terminal
}

/**
 * Finds a value for each parameter: from the file, from the user, or the default. Leaves out
 * parameters that keep their default.
 */
export async function askParameters(schemas: readonly ParameterSchema[], options: AskOptions): Promise<CreateParameterRequest[]> {
  const requests: CreateParameterRequest[] = []
  for (const schema of schemas) {
    const value = options.values[schema.name] ?? (await ask(schema, options))
    if (value === undefined) continue
    checkChoice(schema, value)
    const destination = schema.default_destination_scheme === 'none' ? 'provisioner_variable' : schema.default_destination_scheme
    requests.push({ name: schema.name, source_value: value, source_scheme: 'data', destination_scheme: destination })
  }
  return requests
}

async function ask(schema: ParameterSchema, { takeDefaults, terminal }: AskOptions): Promise<string | undefined> {
  const hasDefault = schema.default_source_scheme === 'data'
  if (takeDefaults && hasDefault) return undefined
  if (!terminal.prompts.available && hasDefault) return undefined
  const question = {
    message: schema.description === '' ? schema.name : `${schema.name}: ${schema.description}`,
    flag: `a --parameter-file that sets ${schema.name}`,
  }
  const initial = hasDefault ? { initial: schema.default_source_value } : {}
  const choices = choicesOf(schema)
  if (choices.length > 0) return terminal.prompts.choose({ ...question, ...initial, choices: choices.map((value) => ({ value })) })
  if (!schema.redisplay_value) return terminal.prompts.secret(question)
  return terminal.prompts.text({ ...question, ...initial })
}

function checkChoice({ name, validation_contains: choices }: ParameterSchema, value: string): void {
  if (!choices || choices.length === 0 || choices.includes(value)) return
  throw new CommandError(`"${value}" isn't a valid value for the parameter "${name}". Use one of: ${choices.join(', ')}.`)
}

/** Returns the values to choose from. Empty if any text is allowed. */
function choicesOf({ validation_contains, validation_value_type }: ParameterSchema): readonly string[] {
  if (validation_contains && validation_contains.length > 0) return validation_contains
  return validation_value_type === 'bool' ? ['true', 'false'] : []
}
