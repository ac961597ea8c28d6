import type { Disk } from './disk.ts';
import { spoolError } from './spool-error.ts';

/* The signs that something came, changed or went in the folders of a spool, whoever did it. */

/** Another text after each change, unless it was in the same tick of the disk's clock. @throws {SpoolError} */
export function stampOf(disk: Disk, folders: readonly string[]): string {
  try {
    const stats = folders.map((path) => disk.lstat(path));
    return stats.map(({ inode, written }) => `${inode} ${written}`).join(' ');
  } catch (error) {
    throw spoolError('look at queue', folders.join(' '), error);
  }
}

/** Calls back after changes, until it is closed. @throws {SpoolError} */
export function watchAll(disk: Disk, folders: readonly string[], changed: () => void): { close(): void } {
  const watchers: { close(): void }[] = [];
  const close = (): void => {
    for (const watcher of watchers) watcher.close();
  };
  try {
    for (const path of folders) watchers.push(disk.watch(path, changed));
    return { close };
  } catch (error) {
    close();
    throw spoolError('watch queue', folders.join(' '), error);
  }
}
