import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ProvisionError, type Driver } from '../driver.ts'
import { createEchoDriver } from '../drivers/echo/echo-driver.ts'
import { ReportRefused, type Job, type JobLog, type JobReporter, type JobResult, type JobUpdate, type WorkspaceBuildJob } from './job.ts'
import { runJob, type RunJobOptions } from './run-job.ts'
import { echoArchive, type EchoResponses } from '../testing.ts'
import { writeTar } from '../drivers/echo/tar-writer.ts'

/** A reporter that records its calls. */
class RecordingReporter implements JobReporter {
  readonly logs: JobLog[] = []
  readonly updates: JobUpdate[] = []
  result: JobResult | undefined
  failure: { error: string; state?: Uint8Array } | undefined
  isCanceled = false
  quota = { ok: true, credits_consumed: 0, budget: -1 }
  costs: number[] = []
  onUpdate: (update: JobUpdate) => Promise<void> = async () => {}
  onComplete: () => Promise<void> = async () => {}

  async update(update: JobUpdate): ReturnType<JobReporter['update']> {
    this.updates.push(update)
    await this.onUpdate(update)
    this.logs.push(...(update.logs ?? []))
    const parameter_values = update.parameter_schemas
      ?.filter(({ default_source_scheme }) => default_source_scheme === 'data')
      .map(({ name, default_source_value }) => ({ name, value: default_source_value, destination_scheme: 'none' as const }))
    return { canceled: this.isCanceled, ...(parameter_values && { parameter_values }) }
  }

  async commitQuota(dailyCost: number): ReturnType<JobReporter['commitQuota']> {
    this.costs.push(dailyCost)
    return this.quota
  }

  async complete(result: JobResult): Promise<void> {
    await this.onComplete()
    this.result = result
  }

  async fail(failure: { error: string; state?: Uint8Array }): Promise<void> {
    this.failure = failure
  }

  get lines(): string[] {
    return this.logs.map(
      ({ source, level, stage, output }) => `${source === 'provisioner' ? '> ' : ''}${level} ${stage}${output && `: ${output}`}`,
    )
  }
}

let workDirectory: string
let reporter: RecordingReporter

beforeEach(async () => {
  workDirectory = await mkdtemp(join(tmpdir(), 'berth-jobs-'))
  reporter = new RecordingReporter()
})

afterEach(async () => {
  expect(await readdir(workDirectory)).toEqual([])
  await rm(workDirectory, { recursive: true, force: true })
})

async function run(job: Job, changes: Partial<RunJobOptions> = {}): Promise<boolean> {
  return await runJob(job, {
    drivers: [createEchoDriver()],
    reporter,
    clock: { now: () => new Date(1_000) },
    heartbeatIntervalMs: 10,
    forceCancelIntervalMs: 100,
    logFlushIntervalMs: 5,
    workDirectory,
    signal: new AbortController().signal,
    ...changes,
  })
}

const common = { id: 'job', provisioner: 'echo', user_name: 'anna' }
const importJob = (archive: Uint8Array): Job => ({
  ...common,
  archive,
  type: 'template_version_import',
  metadata: { access_url: 'http://berth' },
})
const dryRunJob = (responses?: EchoResponses): Job => ({
  ...common,
  archive: echoArchive(responses),
  type: 'template_version_dry_run',
  parameter_values: [],
  metadata: { access_url: '', workspace_name: '' },
})
const buildJob = (responses?: EchoResponses, workspace_transition: 'start' | 'stop' | 'delete' = 'start'): WorkspaceBuildJob => ({
  ...common,
  archive: echoArchive(responses),
  type: 'workspace_build',
  workspace_build_id: 'build',
  workspace_name: 'dev',
  parameter_values: [],
  state: new Uint8Array([1]),
  metadata: {
    access_url: 'http://berth',
    workspace_transition,
    workspace_name: 'dev',
    workspace_id: 'workspace',
    workspace_owner: 'anna',
    workspace_owner_id: 'owner',
    workspace_owner_email: 'anna@example.com',
  },
})

/** An echo driver with some steps replaced. */
function driverWith(steps: Partial<Driver>): Driver[] {
  return [{ ...createEchoDriver(), ...steps }]
}

describe('template import', () => {
  test('the stages run in order, and the result has both plans', async () => {
    const archive = echoArchive({
      parse: [
        { log: { level: 'info', output: 'reading' } },
        { complete: { parameter_schemas: [{ name: 'a', default_source_value: '1' }] } },
      ],
      plan: [{ log: { level: 'info', output: 'planning' } }, { complete: { resources: [{ name: 'disk', type: 'volume' }] } }],
    })
    expect(await run(importJob(archive))).toBe(true)
    expect(reporter.lines).toEqual([
      'info Setting up',
      'debug No README.md provided',
      'info Parsing template parameters',
      '> info Parse parameters: reading',
      'info Detecting persistent resources',
      '> info Detecting persistent resources: planning',
      'info Detecting ephemeral resources',
      '> info Detecting ephemeral resources: planning',
      'info Cleaning Up',
    ])
    expect(reporter.result).toMatchObject({
      type: 'template_version_import',
      start_resources: [{ name: 'disk' }],
      stop_resources: [{ name: 'disk' }],
    })
    expect(reporter.failure).toBeUndefined()
  })

  test('the README is sent without characters that cannot be stored', async () => {
    const readme = writeTar([{ name: 'README.md', content: Buffer.from('# Hello\0') }])
    await run(importJob(new Uint8Array(Buffer.concat([readme, echoArchive()]))))
    expect(reporter.updates).toContainEqual({ readme: '# Hello' })
    expect(reporter.lines).toContain('info Adding README.md...')
  })

  test('the plans get the transition, the access URL and the values, and nothing else', async () => {
    const seen: unknown[] = []
    const drivers = driverWith({
      plan: async ({ metadata, parameter_values, state }) => {
        seen.push({ metadata, parameter_values, state })
        return { resources: [] }
      },
    })
    await run(importJob(echoArchive({ parse: [{ complete: { parameter_schemas: [{ name: 'a', default_source_value: '1' }] } }] })), {
      drivers,
    })
    const nobody = { workspace_name: '', workspace_id: '', workspace_owner: '', workspace_owner_id: '', workspace_owner_email: '' }
    const parameter_values = [{ name: 'a', value: '1', destination_scheme: 'none' }]
    const state = new Uint8Array()
    expect(seen).toEqual([
      { metadata: { access_url: 'http://berth', workspace_transition: 'start', ...nobody }, parameter_values, state },
      { metadata: { access_url: 'http://berth', workspace_transition: 'stop', ...nobody }, parameter_values, state },
    ])
  })

  test('the import fails with the name of the first parameter without a value', async () => {
    const parameter_schemas = [{ name: 'given', default_source_value: '1' }, { name: 'first' }, { name: 'second' }]
    expect(await run(importJob(echoArchive({ parse: [{ complete: { parameter_schemas } }] })))).toBe(false)
    expect(reporter.failure).toEqual({ error: 'missing parameter: first' })
  })

  test.each([
    [{ parse: [] }, 'run parse: no state'],
    [{ plan: [] }, 'template import provision for start: no state'],
    [{ plan: [{ complete: { error: 'as it stands' } }] }, 'as it stands'],
  ])('%j fails with %s', async (responses, error) => {
    await run(importJob(echoArchive(responses)))
    expect(reporter.failure).toEqual({ error })
  })

  test('the job fails with the message of the server if the server refuses the schemas', async () => {
    reporter.onUpdate = async ({ parameter_schemas }) => {
      if (parameter_schemas) throw new ReportRefused('two parameters are called "a"')
    }
    await run(importJob(echoArchive()))
    expect(reporter.failure).toEqual({ error: 'update job: two parameters are called "a"' })
  })

  test('the job fails if the archive leads outside its directory', async () => {
    const archive = writeTar([{ name: '../evil', content: new Uint8Array() }])
    await run(importJob(archive))
    expect(reporter.failure?.error).toContain('tar attempts to target relative upper directory')
  })
})

describe('dry run', () => {
  test('the result has the planned resources, and there is one stage', async () => {
    await run(
      dryRunJob({ plan: [{ log: { level: 'info', output: 'planning' } }, { complete: { resources: [{ name: 'x', type: 'y' }] } }] }),
    )
    expect(reporter.lines).toEqual(['info Setting up', '> info Detecting persistent resources: planning', 'info Cleaning Up'])
    expect(reporter.result).toMatchObject({ type: 'template_version_dry_run', resources: [{ name: 'x', type: 'y' }] })
  })

  test('empty fields get made-up values', async () => {
    let seen: unknown
    const drivers = driverWith({
      plan: async ({ metadata }) => {
        seen = metadata
        return { resources: [] }
      },
    })
    let count = 0
    await run(dryRunJob(), { drivers, newId: () => `id-${(count += 1)}` })
    expect(seen).toEqual({
      access_url: 'http://localhost:3000',
      workspace_transition: 'start',
      workspace_name: 'dryrun',
      workspace_id: 'id-1',
      workspace_owner: 'anna',
      workspace_owner_id: 'id-2',
      workspace_owner_email: '',
    })
  })

  test('an unexpected error is prefixed', async () => {
    await run(dryRunJob({ plan: [] }))
    expect(reporter.failure).toEqual({ error: 'run dry-run provision job: no state' })
  })
})

describe('workspace build', () => {
  test.each([
    ['start', 'Starting workspace'],
    ['stop', 'Stopping workspace'],
    ['delete', 'Destroying workspace'],
  ] as const)('a %s has the stage %s', async (transition, stage) => {
    const apply = [
      { log: { level: 'info' as const, output: 'applying' } },
      { complete: { resources: [{ name: 'x', type: 'y' }], state: new Uint8Array([2]) } },
    ]
    await run(buildJob({ plan: [{ log: { level: 'info', output: 'planning' } }, { complete: {} }], apply }, transition))
    expect(reporter.lines).toEqual([
      'info Setting up',
      '> info Planning infrastructure: planning',
      `info ${stage}`,
      `> info ${stage}: applying`,
      'info Cleaning Up',
    ])
    expect(reporter.result).toMatchObject({ type: 'workspace_build', resources: [{ name: 'x' }], state: new Uint8Array([2]) })
    expect(reporter.logs.every(({ created_at }) => created_at === 1_000)).toBe(true)
  })

  test('the apply gets the plan and the state of the previous build', async () => {
    let seen: unknown
    const drivers = driverWith({
      apply: async ({ plan, state }) => {
        seen = { plan, state }
        return { resources: [], state: new Uint8Array() }
      },
    })
    await run(buildJob({ plan: [{ complete: { plan: new Uint8Array([7]) } }] }), { drivers })
    expect(seen).toEqual({ plan: new Uint8Array([7]), state: new Uint8Array([1]) })
  })

  const costly = {
    apply: [
      {
        complete: {
          resources: [
            { name: 'a', daily_cost: 2 },
            { name: 'b', daily_cost: 1 },
          ],
        },
      },
    ],
  }

  test('the cost is committed before the apply', async () => {
    await run(buildJob(costly))
    expect(reporter.costs).toEqual([3])
    expect(reporter.lines.filter((line) => line.includes('Commit quota'))).toEqual([
      'info Commit quota: Cost of this build: 3 credits a day',
      'info Commit quota: Budget: unlimited',
      'info Commit quota: Credits consumed: 0',
    ])
  })

  test('a refused quota fails the build', async () => {
    reporter.quota = { ok: false, credits_consumed: 3, budget: 4 }
    await run(buildJob(costly))
    expect(reporter.failure).toEqual({ error: 'insufficient quota' })
    expect(reporter.lines).toContain('warn Commit quota: This build would exceed the budget.')
    expect(reporter.lines).not.toContain('info Starting workspace')
  })

  test('a delete and a build without cost do not ask for quota', async () => {
    await run(buildJob(costly, 'delete'))
    await run(buildJob())
    expect(reporter.costs).toEqual([])
  })

  test('a failed build keeps the state that it left', async () => {
    await run(buildJob({ plan: [{ complete: {} }], apply: [{ complete: { error: 'half done', state: new Uint8Array([5]) } }] }))
    expect(reporter.failure).toEqual({ error: 'half done', state: new Uint8Array([5]) })
  })

  test('a build whose result the server refuses fails with the server’s message and keeps the state', async () => {
    reporter.onComplete = async () => {
      throw new ReportRefused('invalid UUID length: 3')
    }
    await run(buildJob({ apply: [{ complete: { state: new Uint8Array([5]) } }] }))
    expect(reporter.failure).toEqual({ error: 'complete job: invalid UUID length: 3', state: new Uint8Array([5]) })
  })

  test('the job fails with the name of an unknown provisioner', async () => {
    await run({ ...buildJob(), provisioner: 'terraform' })
    expect(reporter.failure).toEqual({ error: 'no provisioner terraform' })
  })

  test('an unexpected error is prefixed', async () => {
    await run(buildJob({ plan: [{ complete: {} }], apply: [] }))
    expect(reporter.failure).toEqual({ error: 'recv workspace provision: no state' })
  })
})

describe('the log', () => {
  test('ten thousand lines arrive in order, and a slow server slows the driver down', async () => {
    const total = 10_000
    let ahead = 0
    let written = 0
    reporter.onUpdate = async ({ logs }) => {
      if (logs) ahead = Math.max(ahead, written - reporter.logs.length)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const drivers = driverWith({
      apply: async ({ log }) => {
        for (; written < total; written += 1) await log('info', `line ${written}`)
        return { resources: [], state: new Uint8Array() }
      },
    })
    await run(buildJob(), { drivers })
    const outputs = reporter.logs.filter(({ source }) => source === 'provisioner').map(({ output }) => output)
    expect(outputs).toEqual(Array.from({ length: total }, (_, index) => `line ${index}`))
    expect(ahead).toBeLessThan(5_000)
  })

  test('a long line is truncated and loses characters that cannot be stored', async () => {
    const drivers = driverWith({
      apply: async ({ log }) => {
        await log('info', `a\0${'x'.repeat(100_000)}`)
        return { resources: [], state: new Uint8Array() }
      },
    })
    await run(buildJob(), { drivers })
    const line = reporter.logs.find(({ source }) => source === 'provisioner')?.output ?? ''
    expect(line.startsWith('ax')).toBe(true)
    expect(line.length).toBeLessThan(20_000)
  })
})

describe('ending early', () => {
  const endless = { plan: [{ complete: {} }], apply: [{ log: { level: 'info' as const, output: 'working' } }] }
  test('the job’s directory is private while the job runs', async () => {
    let mode: number | undefined
    const drivers = driverWith({
      parse: async ({ directory }) => {
        mode = (await stat(directory)).mode & 0o777
        return { parameter_schemas: [] }
      },
    })
    await run(importJob(echoArchive()), { drivers })
    expect(mode).toBe(0o700)
  })

  test('heartbeats are sent while a driver is silent', async () => {
    const drivers = driverWith({
      apply: async () => {
        while (reporter.updates.filter((update) => Object.keys(update).length === 0).length < 3) {
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        return { resources: [], state: new Uint8Array() }
      },
    })
    expect(await run(buildJob(), { drivers })).toBe(true)
  })

  test('a canceled job that does not end gracefully times out', async () => {
    reporter.onUpdate = async ({ logs }) => {
      if (logs?.some(({ output }) => output === 'working')) reporter.isCanceled = true
    }
    await run(buildJob(endless))
    expect(reporter.failure).toEqual({ error: 'Cancel timed out' })
    expect(reporter.lines.at(-1)).toBe('info Cleaning Up')
  })

  test('a canceled job fails with the error of its driver', async () => {
    reporter.isCanceled = true
    const drivers = driverWith({
      apply: async ({ signal }) =>
        await new Promise((_, reject) => {
          const end = (): void => reject(new ProvisionError('interrupted', { state: new Uint8Array([3]) }))
          if (signal.aborted) end()
          else signal.addEventListener('abort', end)
        }),
      plan: async () => {
        reporter.isCanceled = false
        return { resources: [] }
      },
    })
    reporter.onUpdate = async ({ logs }) => {
      if (logs?.some(({ stage }) => stage === 'Starting workspace')) reporter.isCanceled = true
    }
    reporter.isCanceled = false
    await run(buildJob(), { drivers, forceCancelIntervalMs: 60_000 })
    expect(reporter.failure).toEqual({ error: 'interrupted', state: new Uint8Array([3]) })
  })

  test('a canceled job whose driver finishes anyway completes', async () => {
    const drivers = driverWith({
      apply: async ({ signal }) => {
        reporter.isCanceled = true
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return { resources: [], state: new Uint8Array([4]) }
      },
    })
    expect(await run(buildJob(), { drivers })).toBe(true)
    expect(reporter.result).toMatchObject({ state: new Uint8Array([4]) })
  })

  test('a job canceled during its plan changes nothing', async () => {
    let isApplied = false
    const drivers = driverWith({
      plan: async ({ signal }) => {
        reporter.isCanceled = true
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return { resources: [] }
      },
      apply: async () => {
        isApplied = true
        return { resources: [], state: new Uint8Array() }
      },
    })
    await run(buildJob(), { drivers })
    expect(isApplied).toBe(false)
    expect(reporter.failure).toEqual({ error: 'the job was canceled' })
  })

  test('the state of a driver that is forced to end is kept', async () => {
    const drivers = driverWith({
      apply: async ({ forceSignal }) => {
        reporter.isCanceled = true
        await new Promise((resolve) => forceSignal.addEventListener('abort', resolve))
        throw new ProvisionError('killed', { state: new Uint8Array([6]) })
      },
    })
    await run(buildJob(), { drivers, forceCancelIntervalMs: 20 })
    expect(reporter.failure).toEqual({ error: 'Cancel timed out', state: new Uint8Array([6]) })
  })

  test('a driver that never ends is abandoned', async () => {
    const drivers = driverWith({
      apply: async () => {
        reporter.isCanceled = true
        return await new Promise<never>(() => {})
      },
    })
    await run(buildJob(), { drivers, forceCancelIntervalMs: 20 })
    expect(reporter.failure).toEqual({ error: 'Cancel timed out' })
  })

  test('a shutdown fails a job that does not end within the grace', async () => {
    const shutdown = new AbortController()
    reporter.onUpdate = async ({ logs }) => {
      if (logs?.some(({ output }) => output === 'working')) shutdown.abort()
    }
    await run(buildJob(endless), { signal: shutdown.signal, shutdownGraceMs: 30, forceCancelIntervalMs: 60_000 })
    expect(reporter.failure).toEqual({ error: 'provisioner daemon was shutdown gracefully' })
  })

  test('a shutdown applies its shorter grace to a canceled job', async () => {
    const shutdown = new AbortController()
    const drivers = driverWith({
      apply: async ({ signal }) => {
        reporter.isCanceled = true
        signal.addEventListener('abort', () => setTimeout(() => shutdown.abort(), 5))
        return await new Promise<never>(() => {})
      },
    })
    await run(buildJob(), { drivers, signal: shutdown.signal, shutdownGraceMs: 30, forceCancelIntervalMs: 60_000 })
    expect(reporter.failure).toEqual({ error: 'provisioner daemon was shutdown gracefully' })
  })

  test('a worker that is already shutting down starts nothing', async () => {
    await run(buildJob(), { signal: AbortSignal.abort() })
    expect(reporter.failure).toEqual({ error: 'provisioner daemon was shutdown gracefully' })
  })

  test.each(['logs', 'heartbeat'])('an unreachable server (%s) ends the driver and rejects', async (kind) => {
    let isForced = false
    const gone = new Error('the server is gone')
    const drivers = driverWith({
      apply: async ({ forceSignal, log }) => {
        reporter.onUpdate = async (update) => {
          if ((update.logs !== undefined) === (kind === 'logs')) throw gone
        }
        if (kind === 'logs') await log('info', 'into the void')
        await new Promise((resolve) => forceSignal.addEventListener('abort', resolve))
        isForced = true
        throw new Error('forced')
      },
    })
    await expect(run(buildJob(), { drivers })).rejects.toBe(gone)
    expect(isForced).toBe(true)
    expect(reporter.failure).toBeUndefined()
    expect(reporter.result).toBeUndefined()
  })
})
