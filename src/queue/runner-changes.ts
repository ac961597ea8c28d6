import { createHash } from 'node:crypto';
import type { Ending } from '../mail/ending.ts';
import type { QueueEntry } from '../mail/entry.ts';
import type { World } from '../world.ts';
import type { Spool } from './spool.ts';
import { SpoolError } from './spool-error.ts';

/** What a runner must know of a queue: which entries wait, and for when. Two that differ in it have different prints. */
export interface Print {
  /** In the order of the ids. */
  add(entry: QueueEntry): void;
  /** The print of what was added; no more can be. */
  text(): string;
}

export function openPrint(): Print {
  const hash = createHash('sha256');
  return {
    add({ id, held, recipients }) {
      const times = recipients.map(({ state, nextAttempt }) => (state === 'pending' ? nextAttempt : '-'));
      hash.update(`${id}${held === true ? ' held' : ''} ${times.join(' ')}\n`);
    },
    text: () => hash.digest('hex'),
  };
}

/** The print of an empty queue. */
export const nothing = (): string => openPrint().text();

/** The print of the queue as it is now. @throws {SpoolError} */
export async function printOf(spool: Pick<Spool, 'entries'>): Promise<string> {
  const print = openPrint();
  for await (const entry of spool.entries()) print.add(entry);
  return print.text();
}

export interface Changes {
  /** Whether entries have changed since `seen`, whoever changed them. @throws {SpoolError} */
  haveCome(): Promise<boolean>;
  /** All changes so far are known. @throws {SpoolError} */
  seen(): Promise<void>;
  /** Waits so many milliseconds, or until something changes or the signal comes. */
  orSleep(milliseconds: number, until: { world: Pick<World, 'sleep'>; signal: Ending }): Promise<void>;
  close(): void;
}

/** What the system tells of the folder; where it can't, or does not, the time of the folder is looked at. */
export function watchChanges(spool: Pick<Spool, 'watch' | 'stamp'>): Changes {
  let isTold = false;
  let stamp = '';
  let wake = (): void => {};
  let watcher = { close(): void {} };
  try {
    watcher = spool.watch(() => {
      isTold = true;
      wake();
    });
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error;
  }
  return {
    haveCome: async () => isTold || (await spool.stamp()) !== stamp,
    async seen() {
      isTold = false;
      stamp = await spool.stamp();
    },
    async orSleep(milliseconds, { world, signal }) {
      const controller = new AbortController();
      const end = (): void => controller.abort();
      wake = end;
      signal.addEventListener('abort', end);
      if (isTold || signal.aborted) end();
      await world.sleep(milliseconds, controller.signal);
      signal.removeEventListener('abort', end);
    },
    close: () => watcher.close(),
  };
}
