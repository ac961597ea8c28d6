import { EMPTY_GUARD, type GuardState } from '../bounce/guard.ts';
import type { QueueEntry } from '../mail/entry.ts';
import { type Disk, systemDisk, unlessMissing } from './disk.ts';
import type { Spool } from './spool.ts';
import { spoolError } from './spool-error.ts';
import { syncFolder } from './spool-folders.ts';

/*
 * What the storm guard remembers, in `storms.json` of the spool's folder. It is on disk before a bounce that is only
 * counted is dropped. Who can't have the file's lock, or can't use what is in it, guards nothing and sends: ten bounces
 * too many are better than one too few.
 */
export interface StormFile {
  /**
   * Changes the state, on disk when it resolves; undefined where somebody else was at it for too long. `origin` is kept
   * for the digest that may come later.
   */
  change<T>(
    origin: Pick<QueueEntry, 'way' | 'uid'>,
    turn: (state: GuardState) => { readonly state: GuardState; readonly given: T },
  ): Promise<T | undefined>;
  /** Changes the state by what was done about it, where there is any; gives the state that is left. */
  settle(
    turn: (state: GuardState, origin: Pick<QueueEntry, 'way' | 'uid'>) => Promise<GuardState>,
  ): Promise<GuardState | undefined>;
}

export interface StormFileOptions {
  readonly spool: Pick<Spool, 'folder' | 'acquire'>;
  readonly fsync: boolean;
  sleep(milliseconds: number): Promise<void>;
  readonly disk?: Disk;
}

interface Content {
  readonly guard: GuardState;
  readonly way: QueueEntry['way'];
  readonly uid: number;
}

const LOCK = 'storms';
// The others need a millisecond each.
const TRIES = 50;
const PAUSE = 10;
// 500 storms of 20 recipients with their replies, all of them long.
const MOST_OCTETS = 64 * 1024 * 1024;

export function openStormFile({ spool, fsync, sleep, disk = systemDisk }: StormFileOptions): StormFile {
  const path = `${spool.folder}/storms.json`;
  const aside = `${spool.folder}/tmp/storms.json`;
  let turns: Promise<unknown> = Promise.resolve();

  function read(): Content | undefined {
    const descriptor = unlessMissing(() => disk.open(path, 'read'));
    if (descriptor === undefined) return undefined;
    try {
      const { kind, size } = disk.fstat(descriptor);
      return kind === 'file' && size <= MOST_OCTETS ? parse(disk.read(descriptor, size).toString('utf8')) : undefined;
    } finally {
      disk.close(descriptor);
    }
  }

  async function write(content: Content): Promise<void> {
    unlessMissing(() => disk.unlink(aside));
    const descriptor = disk.open(aside, 'create');
    try {
      disk.write(descriptor, Buffer.from(JSON.stringify(content)));
      if (fsync) await disk.fsync(descriptor);
    } finally {
      disk.close(descriptor);
    }
    disk.rename(aside, path);
    if (fsync) await syncFolder(disk, spool.folder);
  }

  /** One at a time, in this process and among all. */
  function locked<T>(work: () => Promise<T>): Promise<T | undefined> {
    const mine = turns.then(async () => {
      for (let tries = 0; tries < TRIES; tries++) {
        const lock = await spool.acquire(LOCK);
        if (lock === undefined) {
          await sleep(PAUSE);
          continue;
        }
        try {
          return await work();
        } catch (error) {
          throw spoolError('count bounces', path, error);
        } finally {
          await lock.release();
        }
      }
      return undefined;
    });
    turns = mine.catch(() => undefined);
    return mine;
  }

  return {
    change: ({ way, uid }, turn) =>
      locked(async () => {
        const before = read()?.guard ?? EMPTY_GUARD;
        const { state, given } = turn(before);
        if (state !== before) await write({ guard: state, way, uid });
        return given;
      }),
    async settle(turn) {
      if (unlessMissing(() => disk.lstat(path)) === undefined) return undefined;
      return locked(async () => {
        const content = read();
        if (content === undefined) return EMPTY_GUARD;
        const guard = await turn(content.guard, content);
        if (JSON.stringify(guard) !== JSON.stringify(content.guard)) await write({ ...content, guard });
        return guard;
      });
    },
  };
}

/** Written by us alone, into a folder of ours; what is none of it is as if it were not there. */
function parse(text: string): Content | undefined {
  try {
    const content: unknown = JSON.parse(text);
    return isContent(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function isContent(value: unknown): value is Content {
  if (!isObject(value) || !isObject(value.way) || typeof value.uid !== 'number' || !isObject(value.guard)) return false;
  const { version, storms } = value.guard;
  return (
    version === 1 &&
    isObject(storms) &&
    Object.values(storms).every((storm) => isObject(storm) && Array.isArray(storm.times))
  );
}
