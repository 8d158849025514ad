import { defineConfig } from 'vitest/config'

// No 'import' here: node would then load the ES build of packages that were required.
const conditions = ['@berth/source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{apps,packages}/*/{src,test}/**/*.test.ts', 'apps/e2e/src/**/*.e2e.test.ts', 'tooling/*/src/**/*.test.ts'],
    reporters: ['default', '@berth/vitest/reporter'],
    pool: 'forks',
    globalSetup: ['apps/server/test/database/test-postgres.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
