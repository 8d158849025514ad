import type { Environment, Input, Output } from '../world.ts'
import { painterFor, wantsColors, type Paint } from './colors.ts'
import { createPrompts, type Prompts } from './prompts.ts'

/**
 * Output and prompts. Data goes to standard output; progress, hints and prompts go to standard
 * error.
 */
export interface Terminal {
  readonly input: Input
  readonly output: Output
  readonly errorOutput: Output
  /** Writes lines of data. */
  print(text: string): void
  /** Writes lines that are not data. */
  note(text: string): void
  /** Writes a JSON document on one line. */
  printJson(value: unknown): void
  /** Styles text for {@link print}. */
  readonly paint: Paint
  /** Styles text for {@link note}. */
  readonly paintNote: Paint
  readonly prompts: Prompts
}

/** Creates the terminal. Its streams may be pipes. */
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
    paint: painterFor(!noColor && wantsColors(output, environment)),
    paintNote: painterFor(!noColor && wantsColors(errorOutput, environment)),
    prompts: createPrompts({ input, output: errorOutput }),
  }
}
