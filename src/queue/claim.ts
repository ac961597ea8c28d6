import { createHash } from 'node:crypto';
import { codeOf, type Disk } from './disk.ts';
import { formatOwner, lifeOf, type Owner, parseOwner } from './owner.ts';
import { spoolError } from './spool-error.ts';
import { chance } from './spool-id.ts';

/*
 * Claims: who works on an entry, or is the runner, has it alone. A claim is a symbolic link `claim/<name>` that points
 * nowhere: its text names the owner and this one claim. Making it is one operation that fails where it is there already,
 * between processes and within one, and its text is whole from the first instant on.
 *
 * A claim is broken when its owner is dead, at once, by any number of others at the same time and without a lock that
 * could itself be left behind:
 *
 *   1. read the claim's text D; its owner is dead
 *   2. claim the right to break D: take `<name>~<digest of D>` in the same manner, with the text the new claim shall have
 *   3. read the claim again; where it is not D any more, give that right back and begin anew
 *   4. rename `<name>~<digest of D>` to `<name>`
 *
 * Why one and only one has it. D can leave its place in three ways: its owner releases it, but that one is dead; an owner
 * of the right to break D renames over it, but there is only one of them at a time; or it is not there any more. D never
 * comes back, for no two claims have the same text. So if D is still there in step 3, where we alone have the right to
 * break D, nobody but us can change the claim before step 4, however long we sleep between. Who took the right to break
 * D too late finds something else in step 3. Who dies between 2 and 4 leaves a claim like any other, broken alike: the
 * same four steps, one name further.
 *
 * An owner in another container can't be seen (`owner.ts`), so each owner touches its claims once a minute, and for these
 * alone one that was not touched for ten is dead.
 */

export interface Claim {
  /** The entry's id, or the name of what was acquired. */
  readonly id: string;
  /** Gives it back. May be called again, and never throws: what can't be given back ends with this process. */
  release(): Promise<void>;
}

export interface Claims {
  /** The text of the claim; undefined where a living owner has it. @throws {SpoolError} */
  take(name: string): string | undefined;
  /** Gives back what `take` gave; never throws. */
  drop(name: string, text: string): void;
  /** Breaks the claims of the dead and forgets them; returns their number. @throws {SpoolError} */
  sweep(): number;
}

export interface ClaimOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly process: Owner;
  now(): number;
  readonly random?: () => number;
}

const TOUCH_MS = 60_000;
// Ten touches missed, however busy or slow the machine is.
const UNSEEN_MS = 600_000;
// Each one more needs a process that was killed between steps 2 and 4.
const DEEPEST = 8;
// Each turn needs a claim that was released or broken just now.
const TURNS = 100;

export function createClaims({ disk, folder, process: self, now, random }: ClaimOptions): Claims {
  const held = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  const pathOf = (name: string): string => `${folder}/${name}`;

  /** The text of a claim; '' for what is no claim, undefined where there is none. */
  function read(name: string): string | undefined {
    try {
      return disk.readlink(pathOf(name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      if (codeOf(error) === 'EINVAL') return '';
      throw error;
    }
  }

  function isLiving(name: string, text: string): boolean {
    const owner = parseOwner(text.slice(0, text.lastIndexOf('.')));
    if (owner === undefined) return false;
    const life = lifeOf(owner, self);
    if (life !== 'unseen') return life === 'alive';
    try {
      return now() - disk.lstat(pathOf(name)).written < UNSEEN_MS;
    } catch {
      return true;
    }
  }

  function place(name: string, text: string, depth: number): boolean {
    for (let turn = 0; turn < TURNS; turn++) {
      try {
        disk.symlink(text, pathOf(name));
        return true;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const found = read(name);
      if (found === undefined) continue;
      if (depth === DEEPEST || isLiving(name, found)) return false;
      const right = `${name}~${createHash('sha256').update(found).digest('hex').slice(0, 12)}`;
      if (!place(right, text, depth + 1)) return false;
      if (moveOver(name, found, right)) return true;
    }
    return false;
  }

  /** Steps 3 and 4; the right to break is given back where they come to nothing. */
  function moveOver(name: string, found: string, right: string): boolean {
    try {
      if (read(name) === found) {
        disk.rename(pathOf(right), pathOf(name));
        return true;
      }
    } catch (error) {
      disk.unlink(pathOf(right));
      throw error;
    }
    disk.unlink(pathOf(right));
    return false;
  }

  function touchAll(): void {
    for (const name of held.keys()) {
      try {
        disk.touch(pathOf(name), now());
      } catch {
        // It was broken, or the disk is: whoever holds it finds out when it writes.
      }
    }
  }

  const claims: Claims = {
    take(name) {
      const text = `${formatOwner(self)}.${chance(6, random)}`;
      try {
        if (!place(name, text, 0)) return undefined;
      } catch (error) {
        throw spoolError('claim entry', pathOf(name), error);
      }
      held.set(name, text);
      timer ??= setInterval(touchAll, TOUCH_MS).unref();
      return text;
    },
    drop(name, text) {
      if (held.get(name) === text) held.delete(name);
      if (held.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      try {
        if (read(name) === text) disk.unlink(pathOf(name));
      } catch {
        // Nobody can do anything about it now, and everybody can when this process has ended.
      }
    },
    sweep() {
      let broken = 0;
      for (const name of disk.list(folder)) {
        const text = read(name);
        if (text === undefined || isLiving(name, text)) continue;
        const mine = claims.take(name);
        if (mine === undefined) continue;
        claims.drop(name, mine);
        broken++;
      }
      return broken;
    },
  };
  return claims;
}
