/*
 * The life of a runner: it has the lock, so that there is one for a spool, and runs the queue whenever something is due
 * or something has changed.
 *
 * In the background it ends when the queue is empty, or when nothing was due for `linger`. As a service it ends by its
 * signal alone, and waits while another one has the lock. Who puts an entry into the queue looks for a runner after
 * that, and a runner looks for new entries after it has given back the lock: so no entry is left between them.
 */
import { type RunOptions, type RunReport, runQueue, trafficFor } from './run.ts';
import type { Spool } from './spool.ts';
import { SpoolError } from './spool-error.ts';

export interface RunnerOptions extends Omit<RunOptions, 'traffic' | 'all' | 'select'> {
  /** Milliseconds without anything due after which it ends; `forever`: a service. */
  readonly linger: number | 'forever';
  /** Is told of trouble with the spool, which is tried again later. Never throws. */
  readonly onTrouble?: (error: SpoolError) => void;
  readonly onRun?: (report: RunReport) => void;
}

/** The name of the lock. */
export const RUNNER = 'runner';

// How long another runner's end, or a change that the system did not tell us of, goes unseen.
const LOOK = 10_000;
// A spool in trouble is not tried more often.
const TROUBLE = 30_000;
// Looking costs a twentieth of the time at most, however many entries there are.
const SHARE = 20;
const SWEEP = 3_600_000;

/** Resolves at its end: false where another one has the lock already. @throws {SpoolError} at its start */
export async function keepRunning(spool: Spool, options: RunnerOptions): Promise<boolean> {
  const { signal, world, linger } = options;
  let newest = '';
  for (let hasRun = false; ; hasRun = true) {
    const lock = await spool.acquire(RUNNER);
    if (lock === undefined) {
      if (linger !== 'forever') return hasRun;
      await world.sleep(LOOK, signal);
    } else {
      try {
        newest = await live(spool, options);
      } finally {
        await lock.release();
      }
    }
    if (signal.aborted) return true;
    if (lock !== undefined && linger !== 'forever' && ((await spool.ids()).at(-1) ?? '') <= newest) return true;
  }
}

/** Runs as long as it has the lock; gives the id of the newest entry it has seen. */
async function live(spool: Spool, options: RunnerOptions): Promise<string> {
  const { world, signal, linger } = options;
  const traffic = trafficFor(options);
  const changes = watchChanges(spool);
  let lastWork = world.monotonic();
  let lastSweep = Number.NEGATIVE_INFINITY;
  try {
    for (;;) {
      const began = world.monotonic();
      const newest = (await spool.ids()).at(-1) ?? '';
      changes.seen();
      let report: RunReport | undefined;
      try {
        if (began - lastSweep >= SWEEP) {
          await spool.sweep();
          lastSweep = began;
        }
        report = await runQueue(spool, { ...options, traffic });
        options.onRun?.(report);
      } catch (error) {
        if (!(error instanceof SpoolError)) throw error;
        options.onTrouble?.(error);
      }
      const ended = world.monotonic();
      const isIdle = report !== undefined && report.tried === 0;
      if (!isIdle) lastWork = ended;
      if (signal.aborted || (linger !== 'forever' && report?.left === 0)) return newest;
      // A run that delivered says nothing of how long it takes to look.
      if (isIdle) await world.sleep(Math.min(LOOK, SHARE * (ended - began)), signal);
      const next = report === undefined ? world.now() + TROUBLE : report.next;
      const end = linger === 'forever' ? Number.POSITIVE_INFINITY : lastWork + linger;
      if (!(await somethingToDo({ spool, options, changes, newest, next, end }))) return newest;
    }
  } finally {
    changes.close();
  }
}

interface Pause {
  readonly spool: Spool;
  readonly options: RunnerOptions;
  readonly changes: Changes;
  readonly newest: string;
  /** When something is due, in milliseconds since 1970. */
  readonly next: number | undefined;
  /** When nobody waits any longer, on the clock that never jumps. */
  readonly end: number;
}

/** Waits for something due, or for a change: true. False where the time is over. The clock may jump meanwhile. */
async function somethingToDo({ spool, options, changes, newest, next, end }: Pause): Promise<boolean> {
  const { world, signal } = options;
  for (;;) {
    if (signal.aborted) return false;
    if (changes.hasChanged() || ((await spool.ids()).at(-1) ?? '') > newest) return true;
    const due = (next ?? Number.POSITIVE_INFINITY) - world.now();
    if (due <= 0) return true;
    const left = end - world.monotonic();
    if (left <= 0) return false;
    await changes.orSleep(Math.min(due, left, LOOK), options);
  }
}

interface Changes {
  hasChanged(): boolean;
  /** What has changed so far is known. */
  seen(): void;
  /** Waits so many milliseconds, or until something changes or the signal comes. */
  orSleep(milliseconds: number, options: Pick<RunnerOptions, 'world' | 'signal'>): Promise<void>;
  close(): void;
}

/** Where the system can't tell of changes, only looking is left. */
function watchChanges(spool: Spool): Changes {
  let isChanged = false;
  let wake = (): void => {};
  let watcher = { close(): void {} };
  try {
    watcher = spool.watch(() => {
      isChanged = true;
      wake();
    });
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
  }
  return {
    hasChanged: () => isChanged,
    seen() {
      isChanged = false;
    },
    async orSleep(milliseconds, { world, signal }) {
      const controller = new AbortController();
      const end = (): void => controller.abort();
      wake = end;
      signal.addEventListener('abort', end);
      await world.sleep(milliseconds, controller.signal);
      signal.removeEventListener('abort', end);
    },
    close: () => watcher.close(),
  };
}
