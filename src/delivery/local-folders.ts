import { dirname } from 'node:path';
import { quoted } from '../mail/printable.ts';
import type { LocalDisk, LocalStat } from './local-disk.ts';
import { attemptTo, codeOf, misplaced, notNow, unlessMissing } from './local-trouble.ts';

/** Makes a folder (0700) and those above it where they are missing, so that they last. @throws the system's errors */
export async function makeFolder(disk: LocalDisk, path: string): Promise<void> {
  const missing: string[] = [];
  let each = path;
  for (; unlessMissing(() => disk.lstat(each)) === undefined; each = dirname(each)) missing.unshift(each);
  for (const folder of missing) {
    try {
      disk.mkdir(folder);
    } catch (error) {
      // Somebody else made it just now.
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    await syncFolder(disk, dirname(folder));
  }
  // A link to a folder is one.
  const end = unlessMissing(() => disk.lstat(disk.realpath(path)));
  if (end?.kind !== 'folder') throw misplaced(path, 'is no folder');
}

/** Waits until the names in a folder will last. */
export async function syncFolder(disk: LocalDisk, path: string): Promise<void> {
  const descriptor = disk.open(path, 'folder');
  try {
    await disk.fsync(descriptor);
  } finally {
    closeQuietly(disk, descriptor);
  }
}

/** Closes what was written and fsynced, or is given up: nothing is lost with it. */
export const closeQuietly = (disk: LocalDisk, descriptor: number): void => attemptTo(() => disk.close(descriptor));

/**
 * Refuses a place where somebody else could lead root astray: who owns a folder on the way, or may write into it, can
 * put a link there and so have root make files anywhere. Others than root can only do what they may do anyway.
 * @throws {LocalTrouble}
 */
export function refuseUnsafe(disk: LocalDisk, path: string): void {
  if (disk.uid() !== 0) return;
  for (const { each, stat } of wayTo(disk, path)) {
    const words = `is no place that root writes to, as ${quoted(each, 200)}`;
    if (stat.uid !== 0) throw notNow(path, `${words} is not root's`, '4.3.0');
    const isOpen = stat.kind === 'folder' && (stat.mode & 0o002) !== 0 && (stat.mode & 0o1000) === 0;
    if (isOpen) throw notNow(path, `${words} is open to everybody`, '4.3.0');
  }
}

/**
 * Whose the place is where it is not root's: the first other owner on the way, whom root has given it, as nobody else may
 * write into the folders above. Undefined where it is nobody's, everybody's, or root does not ask.
 */
export function ownerOf(disk: LocalDisk, path: string): number | undefined {
  if (disk.uid() !== 0) return undefined;
  for (const { stat } of wayTo(disk, path)) {
    if (stat.uid !== 0) return stat.uid;
    if (stat.kind === 'folder' && (stat.mode & 0o002) !== 0) return undefined;
  }
  return undefined;
}

/** What there is from `/` to a place, as it is named and as it really is; a file at its end is not on the way. */
function* wayTo(disk: LocalDisk, path: string): Iterable<{ readonly each: string; readonly stat: LocalStat }> {
  const way = [...foldersAbove(path), path];
  const there = way.filter((each) => unlessMissing(() => disk.lstat(each)) !== undefined).at(-1) ?? '/';
  const real = disk.realpath(there);
  for (const each of [...way, ...foldersAbove(real), real]) {
    const stat = unlessMissing(() => disk.lstat(each));
    if (stat !== undefined && !(each === path && stat.kind === 'file')) yield { each, stat };
  }
}

/** From `/` on. */
function foldersAbove(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}
