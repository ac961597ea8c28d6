import { defineConfig } from 'vitest/config';

/**
 * The slow tests: against real programs (Postfix, Exim, …), and of the package as npm installs it. `.ci/run` installs
 * what they need.
 */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts', 'test/package/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
