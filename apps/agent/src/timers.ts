/** The timers to use, so that a test can control them. */
export interface Timers {
  setTimeout: (action: () => void, delayMs: number) => { cancel: () => void }
}
