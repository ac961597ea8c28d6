/*
 * The life of a runner: it has the lock, so that there is one for a spool, and runs the queue whenever something is due
 * or something has changed.
 *
 * In the background it ends when the queue is empty, or when for `linger` nothing was due and nobody changed anything. As
 * a service it ends by its signal alone, and waits while another one has the lock.
 *
 * No change is left between a runner that ends and somebody who thinks that it is there. Who wants an entry to be run (a
 * message has come, was released, is to be tried now) changes it, and then looks for the lock; where it is free, a runner
 * is started (`background.ts`). A runner that is to end gives back the lock, then reads the queue once more; where it is
 * not as its last run has found it, it tries to get the lock and begins anew. So of a change, where the lock was
 *
 *   free when it was looked for    a runner is started, and reads the queue after the change
 *   taken by a runner that ends    it gives back the lock after that, then reads the queue, and finds the change
 *   taken from that one meanwhile  whoever has it now reads the queue after the change
 *
 * Whoever only looks for the lock never takes it, so that nobody else takes that for a runner.
 */
import { type RunOptions, type RunReport, runQueue, trafficFor } from './run.ts';
import { type Changes, nothing, openPrint, printOf, watchChanges } from './runner-changes.ts';
import type { Spool } from './spool.ts';
import { SpoolError } from './spool-error.ts';

export interface RunnerOptions extends Omit<RunOptions, 'traffic' | 'all' | 'select' | 'onScanned'> {
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
// Milliseconds for each entry, which is read in 20 microseconds: a queue in which something changes all the time is
// read in a twentieth of it. It must not be measured: a slow start would keep those waiting who come behind it.
const PAUSE = 0.4;
// Who accepts or changes an entry has it for some milliseconds more, and who delivers it, for minutes.
const BUSY = [100, 1000, 5000];
const SWEEP = 3_600_000;

/** Resolves at its end: false where another one has the lock already. @throws {SpoolError} */
export async function keepRunning(spool: Spool, options: RunnerOptions): Promise<boolean> {
  const { signal, world, linger } = options;
  for (let hasRun = false; ; ) {
    const lock = await spool.acquire(RUNNER);
    if (lock !== undefined) {
      hasRun = true;
      let known: string;
      try {
        known = await live(spool, options);
      } finally {
        await lock.release();
      }
      if (signal.aborted || (await printOf(spool)) === known) return true;
    } else {
      if (linger !== 'forever') return hasRun;
      await world.sleep(LOOK, signal);
      if (signal.aborted) return hasRun;
    }
  }
}

/** Runs as long as it has the lock; gives the print of the queue that it knows. */
async function live(spool: Spool, options: RunnerOptions): Promise<string> {
  const { world, signal, linger } = options;
  const changes = watchChanges(spool);
  const run = openRuns(spool, options);
  let lastWork = world.monotonic();
  let known: string | undefined;
  let busy = 0;
  try {
    for (;;) {
      await changes.seen();
      const { report, print } = await run();
      if (print === undefined || print !== known) lastWork = world.monotonic();
      known = print;
      if (signal.aborted || (linger !== 'forever' && report?.left === 0)) return nothing();
      await world.sleep(report === undefined ? TROUBLE : Math.min(LOOK, report.left * PAUSE), signal);
      // What it has changed itself is known to a runner when it has read it.
      if (known === undefined) continue;
      busy = report === undefined || report.busy === 0 ? 0 : busy + 1;
      const again = world.now() + (BUSY[busy - 1] ?? Number.POSITIVE_INFINITY);
      const next = Math.min(again, report?.next ?? Number.POSITIVE_INFINITY);
      const end = linger === 'forever' ? Number.POSITIVE_INFINITY : lastWork + linger;
      if (!(await somethingToDo({ options, changes, next, end }))) return known;
    }
  } finally {
    changes.close();
  }
}

interface Ran {
  /** Absent: the spool is in trouble. */
  readonly report?: RunReport;
  /** The print of the queue, where the run has left it as it was. */
  readonly print?: string;
}

/** One run after the other. */
function openRuns(spool: Spool, options: RunnerOptions): () => Promise<Ran> {
  const { world } = options;
  const traffic = trafficFor(options);
  let lastSweep = Number.NEGATIVE_INFINITY;
  return async () => {
    const print = openPrint();
    try {
      if (world.monotonic() - lastSweep >= SWEEP) {
        await spool.sweep();
        lastSweep = world.monotonic();
      }
      const report = await runQueue(spool, { ...options, traffic, onScanned: (entry) => print.add(entry) });
      options.onRun?.(report);
      return report.tried > 0 ? { report } : { report, print: print.text() };
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      options.onTrouble?.(error);
      return {};
    }
  };
}

interface Pause {
  readonly options: RunnerOptions;
  readonly changes: Changes;
  /** When something is due, in milliseconds since 1970. */
  readonly next: number;
  /** When nobody waits any longer, on the clock that never jumps. */
  readonly end: number;
}

/** Waits for something due, or for a change: true. False where the time is over. The clock may jump meanwhile. */
async function somethingToDo({ options, changes, next, end }: Pause): Promise<boolean> {
  const { world, signal } = options;
  for (;;) {
    if (signal.aborted) return false;
    if (await changes.haveCome()) return true;
    const due = next - world.now();
    if (due <= 0) return true;
    const left = end - world.monotonic();
    if (left <= 0) return false;
    await changes.orSleep(Math.min(due, left, LOOK), options);
  }
}
