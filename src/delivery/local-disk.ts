import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  type Stats,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';

/*
 * The operations on files that local delivery is made of, as a parameter: a test lets any one of them fail. All but the
 * fsync are synchronous, as they take some microseconds each; the spool has a disk of its own, with other needs.
 */

export interface LocalStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
  /** Octets. */
  readonly size: number;
  readonly inode: number;
  /** How many names it has. */
  readonly links: number;
  /** When it was last written to, in milliseconds since 1970. */
  readonly written: number;
}

/** Each throws, or rejects with, the system's error. */
export interface LocalDisk {
  /** This machine and this process, which names of files tell apart. */
  readonly hostname: string;
  readonly pid: number;
  /** Our own user; undefined where the system has none. */
  uid(): number | undefined;
  /**
   * Opens a file that must not be there yet (0600), one to be read and added to, which is made at need (0600), or a
   * folder; never through a symbolic link.
   */
  open(path: string, how: 'create' | 'append' | 'folder'): number;
  /** Writes all of it. */
  write(descriptor: number, bytes: Buffer): void;
  /** Reads so many octets from a place on; fewer only where the file ends. */
  readAt(descriptor: number, at: number, octets: number): Buffer;
  truncate(descriptor: number, size: number): void;
  fsync(descriptor: number): Promise<void>;
  close(descriptor: number): void;
  fstat(descriptor: number): LocalStat;
  lstat(path: string): LocalStat;
  realpath(path: string): string;
  link(from: string, to: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes one folder (0700). */
  mkdir(path: string): void;
  /** Sets when a file was last written to, in milliseconds since 1970. */
  touch(path: string, time: number): void;
}

// Windows lacks these; there is no FIFO and no such link there either.
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const NONBLOCK = constants.O_NONBLOCK ?? 0;
const FLAGS = {
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NOFOLLOW,
  // Without O_NONBLOCK a FIFO in the place of a file would stop us for ever.
  append: constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | NOFOLLOW | NONBLOCK,
  folder: constants.O_RDONLY | (constants.O_DIRECTORY ?? 0),
} as const;

export const systemLocalDisk: LocalDisk = {
  get hostname() {
    return hostname();
  },
  pid: process.pid,
  uid: () => process.geteuid?.(),
  open: (path, how) => openSync(path, FLAGS[how], 0o600),
  write(descriptor, bytes) {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at);
  },
  readAt(descriptor, at, octets) {
    const bytes = Buffer.alloc(octets);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, octets, at));
  },
  truncate: ftruncateSync,
  fsync: (descriptor) =>
    new Promise((resolve, reject) => {
      fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
    }),
  close: closeSync,
  fstat: (descriptor) => statOf(fstatSync(descriptor)),
  lstat: (path) => statOf(lstatSync(path)),
  realpath: (path) => realpathSync(path),
  link: linkSync,
  rename: renameSync,
  unlink: unlinkSync,
  mkdir: (path) => mkdirSync(path, 0o700),
  touch: (path, time) => utimesSync(path, time / 1000, time / 1000),
};

function statOf(stats: Stats): LocalStat {
  const { uid, mode, ino, size, mtimeMs, nlink } = stats;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return { kind, uid, mode: mode & 0o7777, size, inode: ino, links: nlink, written: mtimeMs };
}
