import type { ProvisionerJobLog, WorkspaceBuild } from '@berth/schema/shapes'

const brand = Symbol.for('@berth/sdk/BuildError')

/** How many of the last lines of a build's log its error shows. */
const shownLines = 10

/** A build that failed or was canceled. `message` has the build's error and its last lines. */
export class BuildError extends Error {
  override readonly name = 'BuildError'
  readonly build: WorkspaceBuild
  /** The last entries of the build's log. Empty if it could not be read. */
  readonly logs: readonly ProvisionerJobLog[]
  readonly [brand] = true

  constructor(build: WorkspaceBuild, logs: readonly ProvisionerJobLog[]) {
    super([summaryOf(build), ...linesOf(logs)].join('\n'))
    this.build = build
    this.logs = logs
  }

  /** Whether a value is a BuildError, from any copy of this package. */
  static is(value: unknown): value is BuildError {
    return typeof value === 'object' && value !== null && brand in value
  }
}

function summaryOf({ job, transition, workspace_owner_name, workspace_name }: WorkspaceBuild): string {
  const what = `The ${transition} of ${workspace_owner_name}/${workspace_name}`
  if (job.status === 'canceled') return `${what} was canceled.`
  return job.error ? `${what} failed: ${job.error}` : `${what} failed without giving a reason.`
}

function linesOf(logs: readonly ProvisionerJobLog[]): string[] {
  const lines = logs.map(({ output }) => output).filter((output) => output !== '')
  return lines.slice(-shownLines).map((line) => `  ${line}`)
}
