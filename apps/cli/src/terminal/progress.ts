import type { Clock } from '../world.ts'
import { describeElapsed } from '../durations.ts'
import { clipText, safeText } from './safe-text.ts'
import type { Terminal } from './terminal.ts'

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** Shows what is going on, step by step: a moving line on a terminal, plain lines elsewhere. Everything goes to standard error. */
export interface Progress {
  /** Ends the step before, as done, and begins one. `startedAt` is the server's time where it is known. */
  step(title: string, startedAt?: Date): void
  /** A line of output below the step. */
  line(text: string): void
  /** Ends the last step. */
  finish(outcome: 'done' | 'failed' | 'canceled', at?: Date): void
}

interface Step {
  readonly title: string
  readonly startedAt: Date
}

/** Progress on the terminal's standard error. */
export function createProgress({ terminal, clock }: { readonly terminal: Terminal; readonly clock: Clock }): Progress {
  return terminal.errorOutput.isTTY === true ? new LiveProgress(terminal, clock) : new PlainProgress(terminal, clock)
}

class PlainProgress implements Progress {
  readonly #terminal: Terminal
  readonly #clock: Clock
  #step: Step | undefined

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
  }

  step(title: string, startedAt = this.#clock.now()): void {
    this.finish('done', startedAt)
    this.#step = { title, startedAt }
    this.#terminal.note(`==> ${safeText(title)}`)
  }

  line(text: string): void {
    this.#terminal.note(`    ${safeText(text)}`)
  }

  finish(outcome: 'done' | 'failed' | 'canceled', at = this.#clock.now()): void {
    if (this.#step === undefined) return
    const elapsed = describeElapsed(at.getTime() - this.#step.startedAt.getTime())
    this.#terminal.note(`=== ${safeText(this.#step.title)} [${outcome === 'done' ? '' : `${outcome} after `}${elapsed}]`)
    this.#step = undefined
  }
}

class LiveProgress implements Progress {
  readonly #terminal: Terminal
  readonly #clock: Clock
  #step: Step | undefined
  #shownSince = 0
  #frame = 0
  #stopTimer: (() => void) | undefined

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
  }

  step(title: string, startedAt = this.#clock.now()): void {
    this.finish('done', startedAt)
    this.#step = { title: safeText(title), startedAt }
    this.#shownSince = this.#clock.now().getTime()
    this.#stopTimer = this.#clock.every(100, () => this.#draw())
    this.#draw()
  }

  line(text: string): void {
    const { noteColors } = this.#terminal
    this.#terminal.errorOutput.write(`\r\u001B[2K${noteColors.dim(`  │ ${safeText(text)}`)}\n`)
    this.#draw()
  }

  finish(outcome: 'done' | 'failed' | 'canceled', at = this.#clock.now()): void {
    if (this.#step === undefined) return
    this.#stopTimer?.()
    const { noteColors } = this.#terminal
    const mark = outcome === 'done' ? noteColors.green('✔') : noteColors.red('✘')
    const elapsed = describeElapsed(at.getTime() - this.#step.startedAt.getTime())
    this.#terminal.errorOutput.write(`\r\u001B[2K${mark} ${this.#step.title} ${noteColors.dim(`[${elapsed}]`)}\n`)
    this.#step = undefined
  }

  #draw(): void {
    if (this.#step === undefined) return
    this.#frame = (this.#frame + 1) % frames.length
    // Counted on the own clock, which may be apart from the server's.
    const elapsed = describeElapsed(this.#clock.now().getTime() - this.#shownSince)
    const text = clipText(`${frames[this.#frame]} ${this.#step.title} … ${elapsed}`, (this.#terminal.errorOutput.columns ?? 80) - 1)
    this.#terminal.errorOutput.write(`\r\u001B[2K${text}`)
  }
}
