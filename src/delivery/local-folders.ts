import { dirname } from 'node:path';
import { quoted } from '../mail/printable.ts';
import type { LocalDisk } from './local-disk.ts';
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
  const way = [...foldersAbove(path), path];
  const there = way.filter((each) => unlessMissing(() => disk.lstat(each)) !== undefined).at(-1) ?? '/';
  const real = disk.realpath(there);
  for (const each of [...way, ...foldersAbove(real), real]) {
    const stat = unlessMissing(() => disk.lstat(each));
    if (stat === undefined || (each === path && stat.kind === 'file')) continue;
    const words = `is no place that root writes to, as ${quoted(each, 200)}`;
    if (stat.uid !== 0) throw notNow(path, `${words} is not root's`, '4.3.0');
    const isOpen = stat.kind === 'folder' && (stat.mode & 0o002) !== 0 && (stat.mode & 0o1000) === 0;
    if (isOpen) throw notNow(path, `${words} is open to everybody`, '4.3.0');
  }
}

/** From `/` on. */
function foldersAbove(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}
