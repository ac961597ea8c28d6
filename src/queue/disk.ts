import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlink,
  unlinkSync,
  utimesSync,
  type WatchListener,
  watch,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/*
 * The few operations on files that the spool is made of, as a parameter: a test puts its own around each of them, to
 * end the process after any one or to let any one fail.
 *
 * All are synchronous but two. Most take 5 to 30 microseconds, less than the way to the thread pool and back; but an
 * fsync takes 0.5 ms or more, and many of them together hardly longer than one, and freeing a file's blocks takes 0.1 ms.
 */

export interface Stat {
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly inode: number;
  /** Octets. */
  readonly size: number;
  /** Names that it has. */
  readonly links: number;
  /** When it was last written to, in milliseconds since 1970. */
  readonly written: number;
}

/** Each throws, or rejects with, the system's error. */
export interface Disk {
  /** Our own user; undefined where the system has none. */
  uid(): number | undefined;
  /** Opens a file that must not be there yet (0600), one to be read, or a folder; never through a symbolic link. */
  open(path: string, how: 'create' | 'read' | 'folder'): number;
  /** Writes all of it. */
  write(descriptor: number, bytes: Buffer): void;
  /** Reads so many octets from the file's place; fewer only where it ends. */
  read(descriptor: number, octets: number): Buffer;
  fsync(descriptor: number): Promise<void>;
  close(descriptor: number): void;
  fstat(descriptor: number): Stat;
  lstat(path: string): Stat;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  unlink(path: string): void;
  /** As `unlink`, in the thread pool: where blocks are freed it may wait for the disk. */
  remove(path: string): Promise<void>;
  /** Sets when a file was last written to, in milliseconds since 1970. */
  touch(path: string, time: number): void;
  /** Makes a folder (0700) and those above it; returns the first that was made, undefined where all were there. */
  mkdir(path: string): string | undefined;
  /** Takes away a folder that is empty. */
  removeFolder(path: string): void;
  chmod(path: string, mode: number): void;
  /** The names in a folder. */
  list(path: string): readonly string[];
  /** Calls back after changes in a folder, until it is closed; does not keep the process alive. */
  watch(path: string, changed: WatchListener<string>): { close(): void };
}

// Windows lacks these; there is no FIFO and no such link there either.
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const NONBLOCK = constants.O_NONBLOCK ?? 0;
const FLAGS = {
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NOFOLLOW,
  // Without O_NONBLOCK a FIFO in the place of a file would stop us for ever.
  read: constants.O_RDONLY | NOFOLLOW | NONBLOCK,
  folder: constants.O_RDONLY | (constants.O_DIRECTORY ?? 0),
} as const;

export const systemDisk: Disk = {
  uid: () => process.geteuid?.(),
  open: (path, how) => openSync(path, FLAGS[how], 0o600),
  write(descriptor, bytes) {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at);
  },
  read(descriptor, octets) {
    const bytes = Buffer.allocUnsafe(octets);
    let at = 0;
    for (let got = 1; at < octets && got > 0; at += got) got = readSync(descriptor, bytes, at, octets - at, null);
    return bytes.subarray(0, at);
  },
  fsync: (descriptor) =>
    new Promise((resolve, reject) => {
      fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
    }),
  close: closeSync,
  fstat: (descriptor) => statOf(fstatSync(descriptor)),
  lstat: (path) => statOf(lstatSync(path)),
  rename: renameSync,
  link: linkSync,
  unlink: unlinkSync,
  remove: (path) =>
    new Promise((resolve, reject) => {
      unlink(path, (error) => (error === null ? resolve() : reject(error)));
    }),
  touch: (path, time) => utimesSync(path, time / 1000, time / 1000),
  mkdir: makeFolders,
  removeFolder: rmdirSync,
  chmod: chmodSync,
  list: (path) => readdirSync(path),
  watch: (path, changed) => watch(path, { persistent: false }, changed).on('error', () => {}),
};

/**
 * Makes a folder (0700) and those above it; returns the first that was made. Node's own way to do that never ends where
 * a folder that is there says that it is not, as /proc does.
 */
export function makeFolders(path: string): string | undefined {
  const missing: string[] = [];
  for (let each = path; unlessMissing(() => lstatSync(each)) === undefined; each = dirname(each)) missing.unshift(each);
  let first: string | undefined;
  for (const each of missing) {
    try {
      mkdirSync(each, 0o700);
      first ??= each;
    } catch (error) {
      // Somebody else made it just now.
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  return first;
}

function statOf(stats: Stats): Stat {
  const { uid, mode, ino, size, nlink, mtimeMs } = stats;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return { uid, mode: mode & 0o7777, kind, inode: ino, size, links: nlink, written: mtimeMs };
}

/** The system's name of an error, such as `ENOENT`; undefined where it is none of the system's. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** What `get` gives, and undefined where there is no such file. @throws every other error */
export function unlessMissing<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Closes what was only read, or need not last: whatever the system says to it, nothing is lost. */
export function closeRead(disk: Disk, descriptor: number): void {
  try {
    disk.close(descriptor);
  } catch {
    // The descriptor is gone all the same.
  }
}
