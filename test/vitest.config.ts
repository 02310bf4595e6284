import { defineConfig } from 'vitest/config'

/** The suites against a running server, which take longer than the tests beside the code. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    include: ['test/conformance/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/conformance/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
