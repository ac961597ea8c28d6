import { closeRead, type Disk, unlessMissing } from './disk.ts';
import { atExit, formatOwner, type Owner } from './owner.ts';
import { chance } from './spool-id.ts';

/*
 * The file that names this process, `claim/owner.<digits>`: each of its claims is a hard link to it. It is made when the
 * first claim is, touched once a minute while there are claims, and taken away when there were none for a second, or the
 * process ends. A process that is killed leaves it to the next sweep. It needs no fsync: after a power cut all claims are
 * dead, whatever they say.
 */
export const OWNER_FILE = 'owner.';

export interface OwnerFile {
  /** The file's path; it is made at need. @throws {Error} the system's */
  path(): string;
  /** The file's inode; -1 where there is none. */
  inode(): number;
  /** Lets go of the file where it was taken away: the next `path` makes another. */
  forget(): void;
  /** There are claims. */
  use(): void;
  /** There are none any more. */
  rest(): void;
  /** Takes away the file of one who is dead; one without a text only when it is old: it may be in the making. */
  sweep(path: string, text: string): void;
}

const TOUCH_MS = 60_000;
// Making a file costs as much as ten claims, so a short pause is none.
const REST_MS = 1000;
const MAKING_MS = 3_600_000;

export function createOwnerFile(options: {
  readonly disk: Disk;
  readonly folder: string;
  readonly process: Owner;
  now(): number;
  readonly random?: () => number;
}): OwnerFile {
  const { disk, folder, process: self, now } = options;
  let file: { readonly path: string; readonly inode: number; readonly stay: () => void } | undefined;
  let touching: NodeJS.Timeout | undefined;
  let resting: NodeJS.Timeout | undefined;

  function make(): { readonly path: string; readonly inode: number; readonly stay: () => void } {
    // Chance of its own: two spools in one process have two files, and ids shall not depend on them.
    const digits = chance(8);
    const path = `${folder}/${OWNER_FILE}${digits}`;
    const descriptor = disk.open(path, 'create');
    try {
      const { inode } = disk.fstat(descriptor);
      disk.write(descriptor, Buffer.from(`${formatOwner(self)}.${digits}`, 'latin1'));
      return { path, inode, stay: atExit(() => remove(path)) };
    } catch (error) {
      remove(path);
      throw error;
    } finally {
      closeRead(disk, descriptor);
    }
  }

  function remove(path: string): void {
    try {
      disk.unlink(path);
    } catch {
      // The next sweep does it.
    }
  }

  const owned: OwnerFile = {
    path() {
      file ??= make();
      return file.path;
    },
    inode: () => file?.inode ?? -1,
    forget() {
      file?.stay();
      file = undefined;
    },
    use() {
      clearTimeout(resting);
      resting = undefined;
      touching ??= setInterval(() => {
        try {
          if (file !== undefined) disk.touch(file.path, now());
        } catch {
          // The disk is in trouble: whoever writes to it is told.
        }
      }, TOUCH_MS).unref();
    },
    rest() {
      clearInterval(touching);
      touching = undefined;
      resting ??= setTimeout(() => {
        resting = undefined;
        const path = file?.path;
        owned.forget();
        if (path !== undefined) remove(path);
      }, REST_MS).unref();
    },
    sweep(path, text) {
      const stat = unlessMissing(() => disk.lstat(path));
      if (stat?.kind === 'file' && (text !== '' || now() - stat.written > MAKING_MS)) remove(path);
    },
  };
  return owned;
}
