import { defineConfig } from 'vitest/config'

/** Each file starts an API server of its own: one after the other, they fit a small machine. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/kubernetes/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 1_200_000,
    pool: 'forks',
    fileParallelism: false,
  },
})
