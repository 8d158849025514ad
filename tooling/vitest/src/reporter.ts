import { relative } from 'node:path'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

const SLOWEST = 10

/** Prints the slowest files, then the line that CI reads: `N passed, N failed`. */
export default class SummaryReporter implements Reporter {
  #root = process.cwd()

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].every((test) => test.result().state !== 'failed')) failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
      }
    }
    // After the other reporters, which print in the same turn.
    setImmediate(() => process.stdout.write(`${this.#slowest(modules)}${passed} passed, ${failed} failed\n`))
  }

  #slowest(modules: readonly TestModule[]): string {
    if (modules.length <= SLOWEST) return ''
    const lines = modules
      .map((module) => ({ path: relative(this.#root, module.moduleId), seconds: secondsOf(module) }))
      .toSorted((one, other) => other.seconds - one.seconds)
      .slice(0, SLOWEST)
      .map(({ path, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${path}\n`)
    return `The ${SLOWEST} slowest files:\n${lines.join('')}\n`
  }
}

/** Loading the file and running its tests. */
function secondsOf(module: TestModule): number {
  const { collectDuration, duration } = module.diagnostic()
  return (collectDuration + duration) / 1000
}
