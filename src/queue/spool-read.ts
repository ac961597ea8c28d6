import type { QueueEntry } from '../mail/entry.ts';
import { closeRead, codeOf, type Disk, unlessMissing } from './disk.ts';
import { type EntryReading, MAX_ENTRY_FILE, parseEntry } from './entry-file.ts';
import { spoolError } from './spool-error.ts';
import type { Place } from './spool-folders.ts';
import { isQueueId } from './spool-id.ts';
import { entryPath } from './spool-write.ts';

const ENDING = '.json';

/** The ids of all entries, oldest first; other files in the folder are nobody's business. @throws {SpoolError} */
export function listEntries({ disk, folder }: Place): string[] {
  const path = `${folder}/entry`;
  try {
    return disk
      .list(path)
      .filter((name) => name.endsWith(ENDING) && isQueueId(name.slice(0, -ENDING.length)))
      .map((name) => name.slice(0, -ENDING.length))
      .sort();
  } catch (error) {
    throw spoolError('list queue', path, error);
  }
}

/** Reads an entry's file as it is; `gone` where there is none, or something that is no file. @throws {SpoolError} */
export function readEntry({ disk, folder }: Place, id: string): EntryReading | { readonly kind: 'gone' } {
  const path = entryPath(folder, id);
  let descriptor: number;
  try {
    descriptor = disk.open(path, 'read');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO') return { kind: 'gone' };
    throw spoolError('read entry', path, error);
  }
  try {
    const { kind, size } = disk.fstat(descriptor);
    if (kind !== 'file') return { kind: 'gone' };
    if (size > MAX_ENTRY_FILE) return { kind: 'damaged', reason: `it has ${size} octets` };
    return parseEntry(disk.read(descriptor, size), id);
  } catch (error) {
    throw spoolError('read entry', path, error);
  } finally {
    closeRead(disk, descriptor);
  }
}

/**
 * Moves what is left of an entry to `damaged/`, for a person to look at: the message first, so that a crash between the
 * two leaves an entry that is found damaged again, and never a message that a sweep would take for a leftover.
 * @throws {SpoolError}
 */
export function moveAside({ disk, folder }: Place, id: string): void {
  const aside = `${folder}/damaged/${id}`;
  try {
    move(disk, `${folder}/message/${id}`, `${aside}.message`);
    move(disk, entryPath(folder, id), `${aside}${ENDING}`);
  } catch (error) {
    throw spoolError('move entry aside', aside, error);
  }
}

function move(disk: Disk, from: string, to: string): void {
  unlessMissing(() => disk.rename(from, to));
}

/** Entries one after the other, so many between two turns of the event loop. */
export async function* eachEntry(
  ids: readonly string[],
  batch: number,
  read: (id: string) => QueueEntry | undefined,
): AsyncGenerator<QueueEntry, void> {
  for (let at = 0; at < ids.length; at++) {
    if (at % batch === batch - 1) await new Promise<void>((resolve) => setImmediate(resolve));
    const entry = read(ids[at] ?? '');
    if (entry !== undefined) yield entry;
  }
}
