import type { QueueEntry } from '../mail/entry.ts';
import { codeOf, unlessMissing } from './disk.ts';
import { spoolError } from './spool-error.ts';
import { syncFolder } from './spool-folders.ts';
import { entryPath, hasEntry, type Writing, writeEntry } from './spool-write.ts';

/** Replaces an entry, unless it is gone. The caller has its claim. @throws {SpoolError} */
export async function replaceEntry(room: Writing, entry: QueueEntry): Promise<void> {
  const target = entryPath(room.folder, entry.id);
  try {
    await writeEntry(room, entry, async (aside) => {
      let there = false;
      await room.changeEntries(() => {
        there = hasEntry(room, entry.id);
        if (there) room.disk.rename(aside, target);
      });
      return there;
    });
  } catch (error) {
    throw spoolError('replace entry', target, error);
  }
}

/**
 * S3 S2: durable when it resolves. The message goes when it is certain that the entry does not come back: `removeMessage`.
 * The caller has the claim. @throws {SpoolError}
 */
export async function removeEntry({ disk, folder, changeEntries }: Writing, id: string): Promise<void> {
  const path = entryPath(folder, id);
  try {
    await changeEntries(() => disk.remove(path).catch(exceptMissing));
  } catch (error) {
    throw spoolError('remove entry', path, error);
  }
}

/** S2 S1; what is left where it fails is swept later. Never rejects. */
export async function removeMessage({ disk, folder }: Writing, id: string): Promise<void> {
  await disk.remove(`${folder}/message/${id}`).catch(() => {
    // S2.
  });
}

function exceptMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

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
