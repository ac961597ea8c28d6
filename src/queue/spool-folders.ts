import { dirname, isAbsolute } from 'node:path';
import { quoted } from '../mail/printable.ts';
import { closeRead, type Disk, unlessMissing } from './disk.ts';
import { SpoolError, spoolError } from './spool-error.ts';

/** The folders of a spool; `tmp` is where entries are written aside, and go when they are removed. */
export const FOLDERS = ['message', 'entry', 'claim', 'tmp', 'failed', 'damaged'] as const;

/** What the parts of the spool share: where it is and what it is made with. */
export interface Place {
  readonly disk: Disk;
  readonly folder: string;
  /** False: nothing waits for the disk, and a power cut may lose what was accepted. */
  readonly fsync: boolean;
}

/** Where other users put messages for us (`drop-take.ts`): a folder in ours that is made by `makeDrop` alone. */
export const dropIn = (folder: string): string => `${folder}/drop`;
/** Where a file of the drop lies while the entry that was made of it is held. */
export const takenIn = (folder: string): string => `${folder}/taken`;

const OWN = 0o700;
/** Others pass, and see no name. */
const PASSABLE = 0o711;
/** Others put files in, see none, and take none away but their own. */
const DROP = 0o1733;

/**
 * Makes the folders at need, ours alone (0700), and looks at each: one that is somebody else's, or that others may write
 * to, or a symbolic link is refused, because what is in it may be anything. Where there is a drop, others may pass the
 * spool's own folder on the way to it, and nothing more; says whether there is.
 * @throws {SpoolError}
 */
export async function openFolders(place: Place): Promise<boolean> {
  const { disk, folder, fsync } = place;
  if (!isAbsolute(folder)) throw new SpoolError(`Cannot use spool: its path is not absolute: ${shown(folder)}`, 78);
  const changed = new Set<string>();
  try {
    let hasDrop = false;
    for (const path of [folder, ...FOLDERS.map((name) => `${folder}/${name}`)]) {
      if (unlessMissing(() => disk.lstat(path)) === undefined) {
        const first = disk.mkdir(path);
        for (let made = path; first !== undefined && made.length >= first.length; made = dirname(made)) {
          changed.add(dirname(made));
        }
      }
      if (path === folder) {
        ownFolder(disk, folder);
        hasDrop = unlessMissing(() => disk.lstat(dropIn(folder))) !== undefined;
      }
      secure(disk, path, hasDrop && path === folder ? PASSABLE : OWN);
    }
    if (hasDrop) secureDrop(disk, folder);
    if (fsync) for (const path of changed) await syncFolder(disk, path);
    return hasDrop;
  } catch (error) {
    throw spoolError('use spool', folder, error);
  }
}

/** Makes the drop of a spool, whose folders are made with it, or puts its mode right. @throws {SpoolError} */
export async function makeDrop(place: Place): Promise<void> {
  const { disk, folder } = place;
  await openFolders(place);
  try {
    disk.mkdir(dropIn(folder));
    secureDrop(disk, folder);
    disk.chmod(dropIn(folder), DROP);
    disk.chmod(folder, PASSABLE);
    if (place.fsync) await syncFolder(disk, folder);
  } catch (error) {
    throw spoolError('make drop', dropIn(folder), error);
  }
}

/** An administrator may close it to some; what lies in it is never trusted, but others must not take it away. */
function secureDrop(disk: Disk, folder: string): void {
  const path = dropIn(folder);
  const mode = ownFolder(disk, path);
  if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0) refuse('others may write to it, and it is not sticky', path);
  const taken = takenIn(folder);
  if (unlessMissing(() => disk.lstat(taken)) === undefined) disk.mkdir(taken);
  secure(disk, taken, OWN);
}

function secure(disk: Disk, path: string, wanted: number): void {
  const mode = ownFolder(disk, path);
  if (disk.uid() === undefined) return;
  if ((mode & 0o022) !== 0) refuse('others may write to it', path);
  if ((mode & 0o777) !== wanted) disk.chmod(path, wanted);
}

/** Its mode. A system without user ids has no such permissions either. */
function ownFolder(disk: Disk, path: string): number {
  const { kind, uid, mode } = disk.lstat(path);
  const own = disk.uid();
  if (kind === 'link') refuse('it is a symbolic link', path);
  if (kind !== 'folder') refuse('it is no folder', path);
  if (own !== undefined && uid !== own) refuse(`it belongs to the user ${uid}`, path);
  return mode;
}

function refuse(reason: string, path: string): never {
  throw new SpoolError(`Cannot use spool: ${reason}: ${shown(path)}`, 77);
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
