import { spawn } from 'node:child_process';
import { RUNNER } from './runner.ts';
import type { Spool } from './spool.ts';

/** How the program is started again: by the same Node, from the same file. */
export interface Start {
  readonly program: string;
  /** The file and what follows it: `queue run --linger …`. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Makes sure that a runner is there: `there` already, or `started` now. It has a session of its own and none of our
 * descriptors, stands in `/`, and says nothing, so that it outlives whoever called us and keeps nobody waiting. Where
 * two start one at the same time the lock lets one live. Call it after the entry was changed: a runner that still has the
 * lock reads the queue once more before it ends (`runner.ts`).
 *
 * It never rejects: `failed` says that the entry waits for the next one who comes by.
 */
export async function ensureRunner(
  spool: Pick<Spool, 'isAcquired'>,
  start: Start,
): Promise<'there' | 'started' | 'failed'> {
  try {
    if (await spool.isAcquired(RUNNER)) return 'there';
  } catch {
    // Who can't look may still start one.
  }
  return new Promise((resolve) => {
    try {
      const child = spawn(start.program, start.words, { env: start.env, cwd: '/', detached: true, stdio: 'ignore' });
      child.on('error', () => resolve('failed'));
      child.on('spawn', () => {
        child.unref();
        resolve('started');
      });
    } catch {
      resolve('failed');
    }
  });
}
