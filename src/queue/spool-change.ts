import type { QueueEntry } from '../mail/entry.ts';
import { type Disk, unlessMissing } from './disk.ts';
import { spoolError } from './spool-error.ts';
import { syncFolder } from './spool-folders.ts';
import { entryPath, hasEntry, type Writing, writeEntry } from './spool-write.ts';

/** Replaces an entry, unless it is gone. The caller has its claim. @throws {SpoolError} */
export async function replaceEntry(room: Writing, entry: QueueEntry): Promise<void> {
  const target = entryPath(room.folder, entry.id);
  try {
    await writeEntry(room, entry, async (aside) => {
      if (!hasEntry(room, entry.id)) return false;
      room.disk.rename(aside, target);
      await room.commitEntries();
      return true;
    });
  } catch (error) {
    throw spoolError('replace entry', target, error);
  }
}

/**
 * S3 S2: durable when it resolves. What is left goes when it is certain that the entry does not come back: `removeRest`.
 * The caller has the claim. @throws {SpoolError}
 */
export async function removeEntry({ disk, folder, commitEntries }: Writing, id: string): Promise<void> {
  const path = entryPath(folder, id);
  try {
    unlessMissing(() => moveOrUnlink(disk, path, removedPath(folder, id)));
    await commitEntries();
  } catch (error) {
    throw spoolError('remove entry', path, error);
  }
}

/** To free a file takes three times as long as to move it, and the commit that others wait for would take longer, too. */
function moveOrUnlink(disk: Disk, path: string, aside: string): void {
  try {
    disk.rename(path, aside);
  } catch {
    // A full disk may have no room for another name.
    disk.unlink(path);
  }
}

/** S2 S1; what is left where it fails is swept later. Never rejects. */
export async function removeRest({ disk, folder }: Writing, id: string): Promise<void> {
  await Promise.allSettled([removedPath(folder, id), `${folder}/message/${id}`].map((path) => disk.remove(path)));
}

const removedPath = (folder: string, id: string): string => `${folder}/tmp/${id}.removed`;

/** Copies entry and message to `failed/`, for a person to look at. The caller has the claim. @throws {SpoolError} */
export async function keepFailed(room: Writing, entry: QueueEntry): Promise<void> {
  const { disk, folder, fsync } = room;
  const kept = `${folder}/failed/${entry.id}`;
  try {
    await writeEntry(room, entry, async (aside) => {
      disk.rename(aside, `${kept}.json`);
      return true;
    });
    unlessMissing(() => disk.unlink(`${kept}.message`));
    unlessMissing(() => disk.link(`${folder}/message/${entry.id}`, `${kept}.message`));
    if (fsync) await syncFolder(disk, `${folder}/failed`);
  } catch (error) {
    throw spoolError('keep failed entry', kept, error);
  }
}
