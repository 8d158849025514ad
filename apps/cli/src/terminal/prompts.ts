import { CommandError, Canceled } from '../failures.ts'
import type { Input, Output } from '../world.ts'

/** A question, and the flag that answers it. */
interface Question {
  readonly message: string
  /** What to pass instead, such as `--template`. Named in the error without a terminal. */
  readonly flag: string
}

/** A question whose answer is a text. */
export interface TextQuestion extends Question {
  /** Prefilled answer. */
  readonly initial?: string
  /** Returns what is wrong with an answer, or undefined if it's valid. */
  readonly validate?: (answer: string) => string | undefined
}

/** A question whose answer is one of several choices. */
export interface ChoiceQuestion extends Question {
  readonly choices: readonly { readonly value: string; readonly label?: string; readonly hint?: string }[]
  readonly initial?: string
}

/**
 * Prompts. All throw `Canceled` on Ctrl-C, and a `CommandError` that names the flag if there is no
 * terminal.
 */
export interface Prompts {
  /** Whether there is a terminal to ask on. */
  readonly available: boolean
  text(question: TextQuestion): Promise<string>
  /** Asks for a text that is hidden while typed. */
  secret(question: TextQuestion): Promise<string>
  choose(question: ChoiceQuestion): Promise<string>
  /** Returns if the answer is yes. Throws `Canceled` otherwise. */
  confirm(question: { readonly message: string; readonly initial?: boolean }): Promise<void>
}

/** Creates prompts that read from `input` and write to `output`. */
export function createPrompts({ input, output }: { readonly input: Input; readonly output: Output }): Prompts {
  const available = input.isTTY === true && output.isTTY === true
  const streams = { input, output }
  const ready = async ({ message, flag }: Question) => {
    if (!available) throw new CommandError(`Can't ask "${message}" without a terminal.`, { help: `Pass ${flag}.` })
    return import('@clack/prompts')
  }
  return {
    available,
    async text(question) {
      const { text } = await ready(question)
      const answer = await text({ message: question.message, ...streams, ...validated(question), ...prefilled(question.initial) })
      return answered(answer)
    },
    async secret(question) {
      const { password } = await ready(question)
      return answered(await password({ message: question.message, ...streams, ...validated(question) }))
    },
    async choose(question) {
      const { select } = await ready(question)
      const options = question.choices.map((choice) => ({
        value: choice.value,
        label: choice.label ?? choice.value,
        ...(choice.hint && { hint: choice.hint }),
      }))
      const initial = question.initial === undefined ? {} : { initialValue: question.initial }
      return answered(await select({ message: question.message, options, ...streams, ...initial }))
    },
    async confirm({ message, initial = true }) {
      const { confirm } = await ready({ message, flag: '--yes' })
      if ((await confirm({ message, initialValue: initial, active: 'yes', inactive: 'no', ...streams })) !== true) throw new Canceled()
    },
  }
}

function validated({ validate }: TextQuestion): { validate?: (answer: string | undefined) => string | undefined } {
  return validate ? { validate: (answer) => validate(answer ?? '') } : {}
}

function prefilled(initial: string | undefined): { initialValue?: string } {
  return initial === undefined ? {} : { initialValue: initial }
}

/** Returns the answer. The library returns a symbol for Ctrl-C. */
function answered(answer: string | symbol | undefined): string {
  if (typeof answer === 'symbol') throw new Canceled()
  return answer ?? ''
}
