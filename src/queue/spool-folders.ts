import { dirname, isAbsolute } from 'node:path';
import { quoted } from '../mail/printable.ts';
import { closeRead, type Disk, unlessMissing } from './disk.ts';
import { SpoolError, spoolError } from './spool-error.ts';

/** The folders of a spool; `tmp` is where entries are written aside. */
export const FOLDERS = ['message', 'entry', 'claim', 'tmp', 'failed', 'damaged'] as const;

/** What the parts of the spool share: where it is and what it is made with. */
export interface Place {
  readonly disk: Disk;
  readonly folder: string;
  /** False: nothing waits for the disk, and a power cut may lose what was accepted. */
  readonly fsync: boolean;
}

/**
 * Makes the folders at need, ours alone (0700), and looks at each: one that is somebody else's, or that others may write
 * to, or a symbolic link is refused, because what is in it may be anything.
 * @throws {SpoolError}
 */
export async function openFolders(place: Place): Promise<void> {
  const { disk, folder, fsync } = place;
  if (!isAbsolute(folder)) throw new SpoolError(`Cannot use spool: its path is not absolute: ${shown(folder)}`, 78);
  const changed = new Set<string>();
  try {
    for (const path of [folder, ...FOLDERS.map((name) => `${folder}/${name}`)]) {
      if (unlessMissing(() => disk.lstat(path)) === undefined) {
        const first = disk.mkdir(path);
        for (let made = path; first !== undefined && made.length >= first.length; made = dirname(made)) {
          changed.add(dirname(made));
        }
      }
      secure(disk, path);
    }
    if (fsync) for (const path of changed) await syncFolder(disk, path);
  } catch (error) {
    throw spoolError('use spool', folder, error);
  }
}

function secure(disk: Disk, path: string): void {
  const { kind, uid, mode } = disk.lstat(path);
  const own = disk.uid();
  const refuse = (reason: string): never => {
    throw new SpoolError(`Cannot use spool: ${reason}: ${shown(path)}`, 77);
  };
  if (kind === 'link') refuse('it is a symbolic link');
  if (kind !== 'folder') refuse('it is no folder');
  // A system without user ids has no such permissions either.
  if (own === undefined) return;
  if (uid !== own) refuse(`it belongs to the user ${uid}`);
  if ((mode & 0o022) !== 0) refuse('others may write to it');
  if ((mode & 0o777) !== 0o700) disk.chmod(path, 0o700);
}

/** Brings the names in a folder to the disk. @throws {Error} the system's */
export async function syncFolder(disk: Disk, path: string): Promise<void> {
  const descriptor = disk.open(path, 'folder');
  try {
    await disk.fsync(descriptor);
  } finally {
    closeRead(disk, descriptor);
  }
}

const shown = (path: string): string => quoted(path, 200);
