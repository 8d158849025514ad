import type { Clock } from '../world.ts'
import { describeElapsed } from '../durations.ts'
import { clipText, safeText } from './safe-text.ts'
import type { Terminal } from './terminal.ts'
import { defaultColumns } from './window-size.ts'

/** Erases the line that the cursor is on. */
const eraseLine = '\r\u001B[2K'

const frameMs = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/**
 * Shows progress step by step on standard error: an animated line on a terminal, plain lines
 * elsewhere.
 */
export interface Progress {
  /**
   * Ends the current step as done and begins another. `startedAt` is the server's time if known.
   */
  step(title: string, startedAt?: Date): void
  /** Prints a line of output of the step. */
  line(text: string): void
  /** Ends the current step. */
  finish(outcome: 'done' | 'failed' | 'canceled', at?: Date): void
}

interface Step {
  readonly title: string
  readonly startedAt: Date
}

/** Creates the progress of a command. */
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
    this.#stopTimer = this.#clock.every(frameMs, () => this.#draw())
    this.#draw()
  }

  line(text: string): void {
    const { errorOutput, paintNote } = this.#terminal
    errorOutput.write(`${eraseLine}${paintNote('dim', `  │ ${safeText(text)}`)}\n`)
    this.#draw()
  }

  finish(outcome: 'done' | 'failed' | 'canceled', at = this.#clock.now()): void {
    if (this.#step === undefined) return
    this.#stopTimer?.()
    const { errorOutput, paintNote } = this.#terminal
    const mark = outcome === 'done' ? paintNote('green', '✔') : paintNote('red', '✘')
    const elapsed = describeElapsed(at.getTime() - this.#step.startedAt.getTime())
    errorOutput.write(`${eraseLine}${mark} ${this.#step.title} ${paintNote('dim', `[${elapsed}]`)}\n`)
    this.#step = undefined
  }

  #draw(): void {
    if (this.#step === undefined) return
    this.#frame = (this.#frame + 1) % frames.length
    // The server's clock may differ from this one.
    const elapsed = describeElapsed(this.#clock.now().getTime() - this.#shownSince)
    const { errorOutput } = this.#terminal
    const text = clipText(`${frames[this.#frame]} ${this.#step.title} … ${elapsed}`, (errorOutput.columns ?? defaultColumns) - 1)
    errorOutput.write(`${eraseLine}${text}`)
  }
}
