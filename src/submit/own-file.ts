import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** What is read of our own: `most` octets, and none of the bits of `closed` in its mode. */
export interface OwnFile {
  readonly path: string;
  readonly most: number;
  readonly closed: number;
}

/** Bits of a mode that let others write. */
export const WRITABLE_BY_OTHERS = 0o022;

/**
 * Reads a small file that steers us, and so must be ours and no link to another's.
 * @throws {Error} where it is not there, or not so
 */
export function readOwn({ path, most, closed }: OwnFile): Buffer {
  // A FIFO would stop us for ever.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    const isOurs = stat.isFile() && stat.uid === process.geteuid?.() && (stat.mode & closed) === 0;
    if (!isOurs || stat.size > most) throw new Error('Cannot read state: it is no small file of ours');
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
