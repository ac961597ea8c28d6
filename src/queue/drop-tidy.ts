import { type Disk, unlessMissing } from './disk.ts';
import { ownerOf } from './drop-look.ts';
import type { QueueEvent } from './event.ts';
import { dropIn } from './spool-folders.ts';
import { isQueueId } from './spool-id.ts';

/* What is not taken in: it leaves the drop, where that can be, and is told. */

/** A name that was never finished belongs to a process that is gone. */
const STALE_MS = 3_600_000;

/** Takes a file out of the drop of the spool `folder`: to `damaged/`, for a person to look at, or for good. */
export function putAway(
  folder: string,
  disk: Disk,
  { name, keep }: { readonly name: string; readonly keep: boolean },
): void {
  const path = `${dropIn(folder)}/${name}`;
  if (keep) unlessMissing(() => disk.rename(path, `${folder}/damaged/${name}.drop`));
  else takeAway(disk, path);
}

/** Takes a name away, that of a folder only where it is empty. Never throws. */
export function takeAway(disk: Disk, path: string): void {
  try {
    if (ownerOf(disk, path)?.kind === 'folder') disk.removeFolder(path);
    else disk.unlink(path);
  } catch {
    // It stays, and is told of again.
  }
}

/** What was begun and never finished, and what has no name of ours, when it is old. */
export function sweepOthers(
  { disk, folder, now }: { readonly disk: Disk; readonly folder: string; readonly now: number },
  names: readonly string[],
  told: Told,
): void {
  for (const name of names) {
    if (isQueueId(name)) continue;
    const stat = ownerOf(disk, `${folder}/${name}`);
    if (stat === undefined || now - stat.written < STALE_MS) continue;
    if (!/^\.[0-9a-z]{15}$/.test(name))
      told.add({ event: 'refused', id: name, uid: stat.uid, reason: 'it has no name of ours' });
    takeAway(disk, `${folder}/${name}`);
  }
}

type Note = Pick<QueueEvent & { readonly event: 'refused' }, 'id' | 'uid' | 'reason'> & {
  readonly event: 'refused' | 'waiting';
};
export type Told = ReturnType<typeof openTold>;

export interface Telling {
  now(): number;
  readonly log: (event: QueueEvent) => void;
  /** When what was told, in milliseconds since 1970: what stays in the drop is told once an hour. */
  readonly memory: Map<string, number>;
}

const AGAIN_MS = 3_600_000;
const MOST_REMEMBERED = 10_000;

/** One event for all files of a user, with the reason of the first, so that nobody fills the log. */
export function openTold({ now, log, memory }: Telling) {
  const notes = new Map<string, Note & { files: number }>();
  const seen: string[] = [];
  if (memory.size > MOST_REMEMBERED) memory.clear();
  return {
    add({ event, id, uid, reason }: Note): void {
      const key = `${uid} ${event}`;
      // What waits is of one kind; what is refused and stays is that one file.
      const known = event === 'waiting' ? key : `${key} ${id}`;
      if (now() - (memory.get(known) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
      seen.push(known);
      const note = notes.get(key) ?? { event, id, uid, reason, files: 0 };
      note.files += 1;
      notes.set(key, note);
    },
    tell(): void {
      const time = now();
      for (const known of seen) memory.set(known, time);
      for (const note of notes.values()) log({ time, ...note });
    },
  };
}
