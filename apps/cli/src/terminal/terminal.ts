import type { Environment, Input, Output } from '../world.ts'
import { colorsFor, wantsColors, type Colors } from './colors.ts'
import { createPrompts, type Prompts } from './prompts.ts'

/** What a command says and asks. Data goes to standard output; progress, hints and questions to standard error. */
export interface Terminal {
  readonly input: Input
  readonly output: Output
  readonly errorOutput: Output
  /** Writes one or more lines of data. */
  print(text: string): void
  /** Writes one or more lines that are not data. */
  note(text: string): void
  /** Writes one JSON document on a line. */
  printJson(value: unknown): void
  /** Colours for what goes to {@link print}. */
  readonly colors: Colors
  /** Colours for what goes to {@link note}. */
  readonly noteColors: Colors
  readonly prompts: Prompts
}

/** The terminal, or the pipes in its place. */
export function createTerminal(options: {
  readonly input: Input
  readonly output: Output
  readonly errorOutput: Output
  readonly environment: Environment
  readonly noColor: boolean
}): Terminal {
  const { input, output, errorOutput, environment, noColor } = options
  return {
    input,
    output,
    errorOutput,
    print: (text) => void output.write(`${text}\n`),
    note: (text) => void errorOutput.write(`${text}\n`),
    printJson: (value) => void output.write(`${JSON.stringify(value)}\n`),
    colors: colorsFor(!noColor && wantsColors(output, environment)),
    noteColors: colorsFor(!noColor && wantsColors(errorOutput, environment)),
    prompts: createPrompts({ input, output: errorOutput }),
  }
}
