import type { BodyScratch } from '../message/downgrade.ts';
import type { Source } from '../message/source.ts';
import { closeRead, codeOf, type Disk, type Stat, unlessMissing } from './disk.ts';
import { MAX_DROP_HEAD } from './drop-file.ts';

/*
 * Looks at one file of the drop, where any user can have put anything: a link to a file of ours, a FIFO that nobody
 * writes to, a folder, a second name of another file, something that is changed while we look. So it is opened without
 * following links and without waiting, what is open is judged and not its name, and all of it is copied first: what is
 * read from the copy twice is the same twice.
 */

export type Looked =
  /** A copy of it; `close` the source where it has one. */
  | { readonly kind: 'file'; readonly uid: number; readonly inode: number; readonly source: Source }
  /** It is not to be in a drop; `keep` where somebody may want to look at it. */
  | { readonly kind: 'refused'; readonly uid: number; readonly reason: string; readonly keep: boolean }
  /** Another look may help. */
  | { readonly kind: 'busy' | 'gone' };

export interface Look {
  readonly disk: Disk;
  /** Octets of the largest message. */
  readonly size: number;
  scratch(): BodyScratch;
}

/** Whose a name is, without opening it; undefined: it is gone. */
export const ownerOf = (disk: Disk, path: string): Stat | undefined => unlessMissing(() => disk.lstat(path));

/** @throws {Error} the system's, where reading fails */
export function lookAt(path: string, look: Look): Looked {
  const { disk } = look;
  const named = ownerOf(disk, path);
  if (named === undefined) return { kind: 'gone' };
  const refused = (reason: string, { uid }: Stat = named): Looked => ({ kind: 'refused', uid, reason, keep: false });
  if (named.kind !== 'file') return refused(KINDS[named.kind]);
  let descriptor: number;
  try {
    descriptor = disk.open(path, 'read');
  } catch (error) {
    // Changed since: what it is now is found the next time. EWOULDBLOCK: its owner has a lease of it.
    const isMoved = ['ENOENT', 'ELOOP', 'ENXIO', 'EAGAIN', 'EISDIR'].includes(codeOf(error) ?? '');
    if (isMoved) return { kind: 'busy' };
    throw error;
  }
  try {
    const stat = disk.fstat(descriptor);
    if (stat.kind !== 'file') return refused('it is no regular file', stat);
    if (stat.links !== 1) return refused('it has several names, or none', stat);
    const source = copyOf(descriptor, look);
    if (source !== undefined) return { kind: 'file', uid: stat.uid, inode: stat.inode, source };
    return { kind: 'refused', uid: stat.uid, reason: `it is larger than ${look.size} octets`, keep: true };
  } finally {
    closeRead(disk, descriptor);
  }
}

const KINDS: Readonly<Record<Exclude<Stat['kind'], 'file'>, string>> = {
  link: 'it is a symbolic link',
  folder: 'it is a folder',
  other: 'it is no regular file',
};

const CHUNK = 262_144;

/** All of it as it is now; undefined where it is too large. */
function copyOf(descriptor: number, { disk, size, scratch }: Look): Source | undefined {
  const copy = scratch();
  let read = 0;
  try {
    for (;;) {
      const chunk = disk.read(descriptor, CHUNK);
      read += chunk.length;
      if (read > size + MAX_DROP_HEAD) break;
      if (chunk.length === 0) return copy.finish();
      copy.write(chunk);
    }
  } catch (error) {
    copy.discard();
    throw error;
  }
  copy.discard();
  return undefined;
}
