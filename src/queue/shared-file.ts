import { jsonOf } from '../mail/json.ts';
import { type Disk, systemDisk, unlessMissing } from './disk.ts';
import type { Spool } from './spool.ts';
import { spoolError } from './spool-error.ts';
import { syncFolder } from './spool-folders.ts';

/**
 * A small file of JSON in the spool's folder, which processes change one after the other: it is read and written within
 * `locked` alone. It is replaced as a whole, and on disk when `write` resolves.
 */
export interface SharedFile {
  isThere(): boolean;
  /** Undefined where there is none, or none that can be read as JSON. */
  read(): unknown;
  write(content: unknown): Promise<void>;
  /** One at a time, in this process and among all; undefined where somebody else was at it for too long. */
  locked<T>(work: () => Promise<T>): Promise<T | undefined>;
}

export interface SharedFileOptions {
  readonly spool: Pick<Spool, 'folder' | 'acquire'>;
  /** Of the lock; the file has `.json` behind it. */
  readonly name: string;
  /** What is done with it, for errors: `count bounces`. */
  readonly purpose: string;
  readonly fsync: boolean;
  sleep(milliseconds: number): Promise<void>;
  readonly disk?: Disk;
}

// The others need a millisecond each.
const TRIES = 50;
const PAUSE = 10;
// 500 storms of 20 recipients with their replies, all of them long.
const MOST_OCTETS = 64 * 1024 * 1024;

export function openSharedFile(options: SharedFileOptions): SharedFile {
  const { spool, name, purpose, fsync, disk = systemDisk } = options;
  const path = `${spool.folder}/${name}.json`;
  const aside = `${spool.folder}/tmp/${name}.json`;
  let turns: Promise<unknown> = Promise.resolve();

  return {
    isThere: () => unlessMissing(() => disk.lstat(path)) !== undefined,
    read() {
      const descriptor = unlessMissing(() => disk.open(path, 'read'));
      if (descriptor === undefined) return undefined;
      try {
        const { kind, size } = disk.fstat(descriptor);
        return kind === 'file' && size <= MOST_OCTETS ? parse(disk.read(descriptor, size)) : undefined;
      } finally {
        disk.close(descriptor);
      }
    },
    async write(content) {
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
    },
    locked(work) {
      const mine = turns.then(async () => {
        for (let tries = 0; tries < TRIES; tries++) {
          const lock = await spool.acquire(name);
          if (lock === undefined) {
            await options.sleep(PAUSE);
            continue;
          }
          try {
            return await work();
          } catch (error) {
            throw spoolError(purpose, path, error);
          } finally {
            await lock.release();
          }
        }
        return undefined;
      });
      turns = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** Written by us alone, into a folder of ours; what is none of it is as if it were not there. */
const parse = (bytes: Buffer): unknown => jsonOf(bytes.toString('utf8'));
