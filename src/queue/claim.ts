import { createHash } from 'node:crypto';
import { closeRead, codeOf, type Disk, unlessMissing } from './disk.ts';
import { lifeOf, type Owner, parseOwner } from './owner.ts';
import { createOwnerFile, OWNER_FILE } from './owner-file.ts';
import { spoolError } from './spool-error.ts';

/*
 * Claims: who works on an entry, or is the runner, has it alone. A claim is a file `claim/<name>`, a hard link to the file
 * that names its owner (`owner-file.ts`). Making it is one operation that fails where it is there already, between
 * processes and within one; what it says is whole from the first instant on; and no inode is made or freed for it, which
 * is what takes time in a folder where thousands of files come and go.
 *
 * A claim is broken when its owner is dead, at once, by any number of others at the same time and without a lock that
 * could itself be left behind:
 *
 *   1. read the claim's text D; its owner is dead
 *   2. claim the right to break D: take `<name>~<digest of D>` in the same manner
 *   3. read the claim again; where it is not D any more, give that right back and begin anew
 *   4. rename `<name>~<digest of D>`, which says who we are, to `<name>`
 *
 * Why one and only one has it. D can leave its place in two ways: its owner releases it, but that one is dead; or someone
 * with the right to break D renames over it, but only one has that at a time. And D never comes back, for it names one
 * process, which claims nothing any more. So if D is still there in step 3, where we alone have the right to break it,
 * nobody but us can change the claim before step 4, however long we sleep between. Who took the right to break D too late
 * finds something else in step 3. Who dies between 2 and 4 leaves a claim like any other, broken alike: the same four
 * steps, one name further.
 *
 * An owner in another container can't be seen (`owner.ts`). So each owner touches its file once a minute, and of those
 * who can't be seen one that was not touched for ten minutes is dead.
 */

export interface Claim {
  /** The entry's id, or the name of what was acquired. */
  readonly id: string;
  /** Gives it back. May be called again, and never throws: what can't be given back is tried again later. */
  release(): Promise<void>;
}

export interface Claims {
  /** A token for `drop`; undefined where a living owner has it. @throws {SpoolError} */
  take(name: string): number | undefined;
  /** Whether a living owner, ourselves included, has it. @throws {SpoolError} */
  isTaken(name: string): boolean;
  /** Gives back what `take` gave, once; never throws. */
  drop(name: string, token: number): void;
  /** Breaks the claims of the dead and forgets them; returns their number. @throws {Error} */
  sweep(): number;
}

export interface ClaimOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly process: Owner;
  now(): number;
  readonly random?: () => number;
}

// Ten touches missed, however busy or slow the machine is.
const UNSEEN_MS = 600_000;
// Each one more needs a process that was killed between steps 2 and 4.
const DEEPEST = 8;
// Each turn needs a claim that was released or broken just now.
const TURNS = 100;
// An owner's file has less.
const MOST_OCTETS = 200;
// Nobody's business, and nothing can be renamed over it.
const FOLDER = '/';

export function createClaims(options: ClaimOptions): Claims {
  const { disk, folder, process: self, now } = options;
  const own = createOwnerFile(options);
  const held = new Map<string, { readonly token: number; readonly inode: number }>();
  /** What was given back and is still there. */
  const kept = new Map<string, number>();
  let last = 0;
  const pathOf = (name: string): string => `${folder}/${name}`;

  /** The text of a claim; '' for what is no claim, FOLDER for what can't be one, undefined where there is none. */
  function read(name: string): string | undefined {
    let descriptor: number;
    try {
      descriptor = disk.open(pathOf(name), 'read');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (codeOf(error) === 'ELOOP') return '';
      throw error;
    }
    try {
      const { kind } = disk.fstat(descriptor);
      if (kind === 'folder') return FOLDER;
      return kind === 'file' ? disk.read(descriptor, MOST_OCTETS).toString('latin1') : '';
    } finally {
      closeRead(disk, descriptor);
    }
  }

  function isLiving(name: string, text: string): boolean {
    if (text === FOLDER) return true;
    const owner = parseOwner(text.slice(0, text.lastIndexOf('.')));
    if (owner === undefined) return false;
    const life = lifeOf(owner, self);
    if (life !== 'unseen') return life === 'alive';
    const stat = unlessMissing(() => disk.lstat(pathOf(name)));
    return stat === undefined || now() - stat.written < UNSEEN_MS;
  }

  function place(name: string, depth: number): boolean {
    for (let turn = 0; turn < TURNS; turn++) {
      const file = own.path();
      try {
        disk.link(file, pathOf(name));
        return true;
      } catch (error) {
        // Somebody took our file for a leftover, or there is no folder: the new file tells.
        if (codeOf(error) === 'ENOENT') own.forget();
        else if (codeOf(error) !== 'EEXIST') throw error;
      }
      const found = read(name);
      if (found === undefined) continue;
      if (depth === DEEPEST || isLiving(name, found)) return false;
      const right = `${name}~${createHash('sha256').update(found).digest('hex').slice(0, 12)}`;
      if (!place(right, depth + 1)) return false;
      if (moveOver(name, found, right)) return true;
    }
    return false;
  }

  /** Steps 3 and 4; the right to break is given back where they come to nothing. */
  function moveOver(name: string, found: string, right: string): boolean {
    let moved = false;
    try {
      if (read(name) === found) {
        disk.rename(pathOf(right), pathOf(name));
        moved = true;
      }
      return moved;
    } finally {
      if (!moved) disk.unlink(pathOf(right));
    }
  }

  function take(name: string): number | undefined {
    if (held.has(name)) return undefined;
    giveBack();
    try {
      if (!place(name, 0)) return undefined;
    } catch (error) {
      throw spoolError('claim entry', pathOf(name), error);
    }
    last++;
    held.set(name, { token: last, inode: own.inode() });
    own.use();
    return last;
  }

  function isTaken(name: string): boolean {
    try {
      const found = read(name);
      return found !== undefined && isLiving(name, found);
    } catch (error) {
      throw spoolError('look at claim', pathOf(name), error);
    }
  }

  function drop(name: string, token: number): void {
    const claim = held.get(name);
    if (claim?.token !== token) return;
    held.delete(name);
    kept.set(name, claim.inode);
    giveBack();
    if (held.size === 0) own.rest();
  }

  /** Also what could not be given back before: the disk may have been in trouble. */
  function giveBack(): void {
    for (const [name, inode] of kept) {
      try {
        if (unlessMissing(() => disk.lstat(pathOf(name)))?.inode === inode) disk.unlink(pathOf(name));
        kept.delete(name);
      } catch {
        // With the next claim that is taken or given back, or when this process has ended.
      }
    }
  }

  function sweep(): number {
    let broken = 0;
    for (const name of disk.list(folder)) {
      const text = read(name);
      if (text === undefined || isLiving(name, text)) continue;
      if (name.startsWith(OWNER_FILE)) {
        own.sweep(pathOf(name), text);
        continue;
      }
      const token = take(name);
      if (token === undefined) continue;
      drop(name, token);
      broken++;
    }
    return broken;
  }

  return { take, isTaken, drop, sweep };
}
