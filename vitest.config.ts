import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { fuzzFactor } from './tooling/vitest/src/fuzz.ts'
import ProjectOrderSequencer from './tooling/vitest/src/sequencer.ts'
import { fastTemporaryDirectory } from './tooling/vitest/src/temporary-directory.ts'

const temporaryDirectory = fastTemporaryDirectory()
if (temporaryDirectory !== undefined) process.env['TMPDIR'] ??= temporaryDirectory

// No 'import' here: node would then load the ES build of packages that were required.
const conditions = ['@berth/source', 'node']
const resolve = { resolve: { conditions }, ssr: { resolve: { conditions } } }
const timeouts = { testTimeout: 30_000 * Math.max(1, fuzzFactor), hookTimeout: 60_000 }
const fuzzing = { setupFiles: ['tooling/vitest/src/set-up-fuzzing.ts'] }

const processors = availableParallelism()
/** Tests of processes and clusters wait most of the time. */
const waiting = { maxWorkers: processors * 2, sequence: { groupOrder: 0 } }
/** Tests of databases wait now and then, but each of their workers loads the whole server. */
const computing = { maxWorkers: processors + 1, sequence: { groupOrder: 1 } }

const folders = '{apps,packages,tooling}/*/{src,test}/**'
const processTests = [`${folders}/*.process.test.ts`, 'apps/e2e/src/**/*.e2e.test.ts']
const databaseTests = [`${folders}/*.db.test.ts`]

export default defineConfig({
  ...resolve,
  test: {
    reporters: ['default', '@berth/vitest/reporter'],
    globalSetup: ['apps/server/test/database/test-postgres.ts'],
    sequence: { sequencer: ProjectOrderSequencer },
    projects: [
      { ...resolve, test: { name: 'process', include: processTests, pool: 'forks', isolate: false, ...timeouts, ...waiting } },
      {
        ...resolve,
        test: { name: 'database', include: databaseTests, pool: 'forks', isolate: false, ...timeouts, ...fuzzing, ...computing },
      },
      {
        ...resolve,
        test: {
          name: 'pure',
          include: [`${folders}/*.test.ts`],
          exclude: [...processTests, ...databaseTests, '**/node_modules/**'],
          pool: 'threads',
          isolate: false,
          ...timeouts,
          ...fuzzing,
          ...computing,
        },
      },
    ],
  },
})
