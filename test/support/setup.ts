import { afterEach, vi } from 'vitest';

/* Files share a worker's process: what a test that failed has left is nothing to the next. */

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});
