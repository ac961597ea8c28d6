import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Programs under test that were not told otherwise must not use the queue and the log of whoever runs the tests. */
const place = join(tmpdir(), `posthaste-test-${process.pid}`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/package/**'],
    testTimeout: 20_000,
    // To load the sources anew for each file took a fifth of the time. No test changes what it imports.
    isolate: false,
    setupFiles: ['test/support/setup.ts'],
    // Most tests wait for the processes that they start: one worker alone would leave a core idle on two, and three crowd.
    maxWorkers: 2,
    env: {
      POSTHASTE_SPOOL: join(place, 'spool'),
      POSTHASTE_LOG: join(place, 'log'),
      POSTHASTE_STATE: join(place, 'state'),
    },
  },
});
