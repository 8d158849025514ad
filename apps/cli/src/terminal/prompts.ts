import { CommandError, Canceled } from '../failures.ts'
import type { Input, Output } from '../world.ts'

/** What every question needs: the words, and what to pass where nobody can be asked. */
interface Question {
  readonly message: string
  /** The flag that answers the question, such as `--template`; named in the error where there is no terminal. */
  readonly flag: string
}

/** Asks for text. */
export interface TextQuestion extends Question {
  /** Stands in the field already; Enter takes it. */
  readonly initial?: string
  /** Says what is wrong with an answer; nothing when it is fine. */
  readonly validate?: (answer: string) => string | undefined
}

/** Asks to choose one of several. */
export interface ChoiceQuestion extends Question {
  readonly choices: readonly { readonly value: string; readonly label?: string; readonly hint?: string }[]
  readonly initial?: string
}

/** Questions to the user. All throw `Canceled` on Ctrl-C, and a `CommandError` naming the flag where there is no terminal. */
export interface Prompts {
  /** Whether somebody is there to answer. */
  readonly available: boolean
  text(question: TextQuestion): Promise<string>
  /** Asks for something that is not shown while it is typed. */
  secret(question: TextQuestion): Promise<string>
  choose(question: ChoiceQuestion): Promise<string>
  /** Returns when the answer is yes; throws `Canceled` otherwise. */
  confirm(question: { readonly message: string; readonly initial?: boolean }): Promise<void>
}

/** Questions on a terminal; the answers come from `input`, the questions go to `output`. */
export function createPrompts({ input, output }: { readonly input: Input; readonly output: Output }): Prompts {
  const available = input.isTTY === true && output.isTTY === true
  const streams = { input, output }
  const ready = async ({ message, flag }: Question) => {
    if (!available) throw new CommandError(`"${message}" can't be asked: there is no terminal.`, { help: `Pass ${flag}.` })
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

/** The library answers Ctrl-C with a symbol. */
function answered(answer: string | symbol | undefined): string {
  if (typeof answer === 'symbol') throw new Canceled()
  return answer ?? ''
}
