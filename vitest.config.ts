import { defineConfig } from 'vitest/config'

const conditions = ['@berth/source', 'node', 'import', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{apps,packages}/*/{src,test}/**/*.test.ts', 'apps/e2e/src/**/*.e2e.test.ts', 'tooling/*/src/**/*.test.ts'],
    reporters: ['default', '@berth/vitest/reporter'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
