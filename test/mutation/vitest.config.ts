import { defineConfig } from 'vitest/config'

/** Properties that ask for more examples than this draw this many. */
const EXAMPLES = 60

/** The tests of `lib/hook` as a mutant meets them: always the same ones, and quick. */
export default defineConfig({
  plugins: [
    {
      name: 'fewer examples',
      transform: (code, id) =>
        id.endsWith('.test.ts')
          ? code.replaceAll(/numRuns: \d+/g, `numRuns: ${EXAMPLES}`)
          : undefined,
    },
  ],
  test: {
    include: ['test/lib/hook/**/*.test.ts'],
    // Their interleavings take seconds, and what they find, others find in parts.
    exclude: ['test/lib/hook/convergence*.test.ts'],
    // Longer than StrykerJS waits: a test that is slow on a busy machine has not noticed the mutant.
    testTimeout: 120_000,
    setupFiles: ['test/mutation/fixed-seed.ts'],
  },
})
