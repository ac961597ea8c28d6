import { defineConfig } from 'vitest/config';

/** The tests against real programs (Postfix, Exim, …); `.ci/run` installs what they need. */
export default defineConfig({
  test: { include: ['test/interop/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
