import type { Message } from '../message/message.ts';
import { codeOf, type Disk } from './disk.ts';
import { type DropHead, formatDropHead } from './drop-file.ts';
import { spoolError } from './spool-error.ts';
import { newQueueId } from './spool-id.ts';
import { writeMessage } from './spool-message.ts';

/*
 * The user's side of the drop: a message is written under a name that whoever takes files in passes over, brought to the
 * disk, given its own name, which is an id, and brought to the disk again.
 *
 * A folder that can't be read can't be opened, and so not be brought to the disk either. The second fsync stands for it:
 * renaming changes the file too (its time of change), and where a file system has a journal, as ext4, XFS and Btrfs do,
 * what comes with that change goes to the disk with it, the new name among it. POSIX promises the bytes alone.
 */

export interface DropPlace {
  readonly disk: Disk;
  readonly folder: string;
  readonly fsync: boolean;
  now(): number;
}

export interface Dropped {
  readonly id: string;
  /** Octets of the message. */
  readonly size: number;
}

/** Whether it is a drop: a folder of `owner`'s, or anybody's where that is undefined, that none may take from. */
export function isDrop(disk: Disk, folder: string, owner: number | undefined): boolean {
  try {
    const { kind, uid, mode } = disk.lstat(folder);
    return kind === 'folder' && (mode & 0o1000) !== 0 && (owner === undefined || uid === owner);
  } catch {
    return false;
  }
}

/** Puts a message in; it is on the disk when this resolves. Nothing of it stays where it fails. @throws {SpoolError} */
export async function putIntoDrop(place: DropPlace, head: DropHead, message: Message): Promise<Dropped> {
  const { disk, folder, fsync } = place;
  const id = newQueueId(place.now());
  const path = `${folder}/${id}`;
  let written = `${folder}/.${id}`;
  let descriptor: number | undefined;
  try {
    descriptor = disk.open(written, 'create');
    disk.write(descriptor, formatDropHead(head));
    const { size } = await writeMessage(disk, descriptor, message);
    if (fsync) await disk.fsync(descriptor);
    disk.rename(written, path);
    written = path;
    if (fsync) await disk.fsync(descriptor);
    return { id, size };
  } catch (error) {
    if (descriptor !== undefined && discard(disk, written) === 'taken' && written === path) return { id, size: 0 };
    throw spoolError('use drop', folder, error);
  } finally {
    if (descriptor !== undefined) quietly(() => disk.close(descriptor ?? -1));
  }
}

/** Whoever takes files in may have been faster than our trouble. */
function discard(disk: Disk, path: string): 'taken' | 'gone' {
  try {
    disk.unlink(path);
    return 'gone';
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'taken' : 'gone';
  }
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // What had to be on the disk is there.
  }
}
