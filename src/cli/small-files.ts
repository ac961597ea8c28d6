import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import type { Included } from '../config/aliases.ts';
import { fullNameIn, groupIn, userNameIn } from './identity.ts';
import { wordsOf } from './setup.ts';

/* The small files that say how mail is to go: configuration, certificates, aliases. All of them are read whole. */

/** More than any certificate store or configuration has, in octets. */
const MAX_FILE = 8_388_608;

/** A small file; it may be a pipe. */
export function readSmallFile(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    return readAll(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readAll(descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  let room = Buffer.alloc(0);
  for (let size = 0; size <= MAX_FILE; ) {
    if (room.length === 0) room = Buffer.allocUnsafe(65_536);
    const length = readSync(descriptor, room);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(room.subarray(0, length));
    room = room.subarray(length);
    size += length;
  }
  throw new Error(`it is larger than ${MAX_FILE} octets`);
}

/** A configuration file with its owner. A pipe would say nothing, or be waited for. */
export function findConfig(file: string): { readonly bytes: Buffer; readonly uid: number } | undefined {
  // As nearly always there is none: an error would cost more than all of the rest.
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isDirectory() || found.isFIFO()) throw new Error(`it is a ${found.isFIFO() ? 'pipe' : 'folder'}`);
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { bytes: readAll(descriptor), uid: fstatSync(descriptor).uid };
  } finally {
    closeSync(descriptor);
  }
}

/** Never waits: what is no regular file is not read. */
export function readAliases(file: string): Included {
  try {
    // An error costs more than all of the rest.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return { reason: 'no such file' };
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(descriptor).isFile()) return { reason: 'it is no regular file' };
      return { text: readAll(descriptor).toString('utf8') };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { reason: wordsOf(error) };
  }
}

/** As os.hostname() has it, without node:os, which takes longer to load than all else that we ask of the host. */
export function readHostname(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The names in a folder; none where there is no folder. @throws {Error} where it may not be read */
export function listFolder(folder: string): readonly string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
}

/** The login name of a user id in the password database. */
export const userNameOf = (uid: number): string | undefined => userNameIn(passwd(), uid);

/** The full name of a user id in the password database. */
export const fullNameOf = (uid: number): string | undefined => fullNameIn(passwd(), uid);

/** The group of a user id in the password database. */
export const groupOf = (uid: number): number | undefined => groupIn(passwd(), uid);

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
