import type { LocalMeans } from './letter.ts';
import { closeQuietly } from './local-folders.ts';
import { attemptTo, codeOf, interrupted, notNow, unlessMissing } from './local-trouble.ts';

/*
 * `PATH.lock`, as programs that deliver and read mail have always locked an mbox: a file that is made under a name of its
 * own and linked to that of the lock, which is atomic on every disk, NFS included. Whoever has died with the lock is
 * waited for until the lock is 15 minutes old; a delivery that takes longer touches its own.
 *
 * Node can't lock a file by fcntl(2), which some readers use alone; those of Debian look at both locks (Policy, 11.6).
 */
export interface Dotlock {
  /** Says that its owner is alive; call it as often as you like. */
  touch(): void;
  release(): void;
}

// liblockfile waits for five minutes; but who writes a long message to a slow disk is not dead.
const STALE_MS = 15 * 60_000;
const TOUCH_MS = 60_000;
/** In milliseconds; between two looks. */
const PAUSE = 100;
/** Looks, for about half a minute: a reader that rewrites a large mbox takes seconds. */
const MOST_LOOKS = 300;

/** Takes the lock. @throws {LocalTrouble} where somebody holds it for too long; else the disk's error */
export async function takeDotlock(path: string, means: LocalMeans): Promise<Dotlock> {
  const { disk, signal } = means;
  const lock = `${path}.lock`;
  const own = `${lock}.${disk.pid}.${Math.floor(means.random() * 2 ** 32).toString(36)}`;
  const descriptor = disk.open(own, 'create');
  try {
    disk.write(descriptor, Buffer.from(`${disk.pid}\n`));
    for (let looks = 0; !linked(means, own, lock); looks++) {
      if (signal?.aborted === true) throw interrupted();
      if (looks >= MOST_LOOKS) throw notNow(path, 'is locked by another program', '4.2.0');
      if (!broken(means, lock)) await means.sleep(PAUSE * (0.5 + means.random()), signal);
    }
  } finally {
    closeQuietly(disk, descriptor);
    attemptTo(() => disk.unlink(own));
  }
  let touched = means.now();
  return {
    touch() {
      if (means.now() - touched < TOUCH_MS) return;
      touched = means.now();
      attemptTo(() => disk.touch(lock, touched));
    },
    release: () => attemptTo(() => disk.unlink(lock)),
  };
}

function linked({ disk }: LocalMeans, own: string, lock: string): boolean {
  try {
    disk.link(own, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a stale lock away; true where there is nothing to wait for. */
function broken({ disk, now }: LocalMeans, lock: string): boolean {
  const stat = unlessMissing(() => disk.lstat(lock));
  if (stat === undefined) return true;
  if (now() - stat.written < STALE_MS) return false;
  // Under another name first: between the look and now somebody else may have broken it, and taken it.
  const aside = `${lock}.stale.${disk.pid}`;
  return (
    unlessMissing(() => {
      disk.rename(lock, aside);
      if (disk.lstat(aside).inode !== stat.inode) attemptTo(() => disk.link(aside, lock));
      disk.unlink(aside);
      return true;
    }) ?? true
  );
}
