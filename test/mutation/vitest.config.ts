import { defineConfig } from 'vitest/config'

/** The tests of `lib/hook` as a mutant meets them: always the same ones, and quick. */
export default defineConfig({
  test: {
    include: ['test/lib/hook/**/*.test.ts'],
    // Six seconds of interleavings, for each mutant that nothing else finds.
    exclude: ['test/lib/hook/convergence.test.ts'],
    setupFiles: ['test/mutation/fixed-seed.ts'],
  },
})
