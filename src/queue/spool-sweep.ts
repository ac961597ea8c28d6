import type { Claims } from './claim.ts';
import { unlessMissing } from './disk.ts';
import { spoolError } from './spool-error.ts';
import type { Place } from './spool-folders.ts';
import { isQueueId } from './spool-id.ts';
import { hasEntry } from './spool-write.ts';

/** How many leftovers were taken away. */
export interface SweepReport {
  /** Messages without an entry (S2). */
  readonly messages: number;
  /** Entries that were written aside and never put in place. */
  readonly temporary: number;
  /** Claims of the dead. */
  readonly claims: number;
}

/** A leftover younger than this is left to whoever may still look at it. */
export const LEFTOVER_MS = 3_600_000;

export interface Sweeping extends Place {
  readonly claims: Claims;
  now(): number;
  /** Milliseconds that a leftover must be old. */
  readonly older: number;
}

/**
 * Takes away what crashes left behind. Each file is looked at again under the claim of its id: who submits, delivers or
 * removes has that claim, so nothing that anybody living works on is ever taken.
 * @throws {SpoolError}
 */
export function sweepSpool(room: Sweeping): SweepReport {
  try {
    const claims = room.claims.sweep();
    const temporary = sweepFolder(room, 'tmp', (name) => name.split('.')[0] ?? '');
    const messages = sweepFolder(room, 'message', (name) => name);
    return { messages, temporary, claims };
  } catch (error) {
    throw spoolError('sweep spool', room.folder, error);
  }
}

function sweepFolder(room: Sweeping, folder: 'tmp' | 'message', idOf: (name: string) => string): number {
  const { disk, claims, now, older } = room;
  let swept = 0;
  for (const name of disk.list(`${room.folder}/${folder}`)) {
    const id = idOf(name);
    if (!isQueueId(id) || (folder === 'message' && hasEntry(room, id))) continue;
    const path = `${room.folder}/${folder}/${name}`;
    const stat = unlessMissing(() => disk.lstat(path));
    if (stat?.kind !== 'file' || now() - stat.written < older) continue;
    const claim = claims.take(id);
    if (claim === undefined) continue;
    try {
      if (folder === 'message' && hasEntry(room, id)) continue;
      if (unlessMissing(() => disk.lstat(path)) === undefined) continue;
      disk.unlink(path);
      swept++;
    } finally {
      claims.drop(id, claim);
    }
  }
  return swept;
}
