import type { Disk } from '../../src/queue/disk.ts';

/** What happens at one operation, counted from 1: the process ends after it, or it fails with the system's code. */
export interface Fault {
  readonly at: number;
  readonly act: 'end' | string;
  /** Only operations that change something on the disk are counted. */
  readonly counts?: 'changes';
}

const READS = ['open', 'read', 'close', 'fstat', 'lstat', 'list'];

export interface FaultyDisk {
  readonly disk: Disk;
  /** How many operations there were. */
  count(): number;
  /** The operation the fault hit, such as `fsync`. */
  hit(): string | undefined;
}

/** The system's error with this code. */
export const systemError = (code: string): Error => Object.assign(new Error(`${code}: as the test wants it`), { code });

/** The disk, but for one operation; `end` ends the process, or throws for ever after. */
export function faultyDisk(real: Disk, fault: Fault, end: () => never): FaultyDisk {
  let count = 0;
  let over = false;
  let hit: string | undefined;
  /** Before an operation: its number, 0 where it does not count. */
  const enter = (name: string): number => {
    if (over) end();
    if (fault.counts === 'changes' && READS.includes(name)) return 0;
    count++;
    if (count === fault.at) hit = name;
    if (count === fault.at && fault.act !== 'end') throw systemError(fault.act);
    return count;
  };
  const leave = (number: number): void => {
    if (number !== fault.at || fault.act !== 'end') return;
    over = true;
    end();
  };
  const around = <A extends readonly unknown[], R>(name: string, work: (...words: A) => R) => {
    return (...words: A): R => {
      const number = enter(name);
      try {
        return work(...words);
      } finally {
        // Also where it failed: that a file is missing is an answer.
        leave(number);
      }
    };
  };
  const disk: Disk = {
    uid: real.uid,
    watch: real.watch,
    open: (path, how) => around(how === 'create' ? 'create' : 'open', real.open)(path, how),
    write(descriptor, bytes) {
      // A disk that is full takes what it can.
      if (count + 1 === fault.at && fault.act !== 'end') real.write(descriptor, bytes.subarray(0, bytes.length / 2));
      const number = enter('write');
      real.write(descriptor, bytes);
      leave(number);
    },
    read: around('read', real.read),
    async fsync(descriptor) {
      const number = enter('fsync');
      await real.fsync(descriptor);
      leave(number);
    },
    close(descriptor) {
      // Whatever it says, the descriptor is gone.
      if (!over) real.close(descriptor);
      leave(enter('close'));
    },
    fstat: around('fstat', real.fstat),
    lstat: around('lstat', real.lstat),
    rename: around('rename', real.rename),
    link: around('link', real.link),
    unlink: around('unlink', real.unlink),
    async remove(path) {
      const number = enter('remove');
      await real.remove(path).finally(() => leave(number));
    },
    touch: around('touch', real.touch),
    mkdir: around('mkdir', real.mkdir),
    removeFolder: around('removeFolder', real.removeFolder),
    chmod: around('chmod', real.chmod),
    list: around('list', real.list),
  };
  return { disk, count: () => count, hit: () => hit };
}
