import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/*
 * Who holds a claim, so that others can see whether it still lives: a process id alone will not do, for it is used again
 * after a while, after a boot at once, and means another process in another container. So an owner is named by
 *
 *   pid    its process id
 *   start  when it started, in the kernel's ticks since the boot (field 22 of /proc/PID/stat)
 *   space  the process namespace that the id is of (/proc/self/ns/pid)
 *   boot   which boot of which machine (/proc/sys/kernel/random/boot_id)
 *
 * Where there is no /proc (macOS, BSD) `start` and `space` are empty and `boot` is made of the host's name: a claim whose
 * process id was given to another process is then kept until that one ends.
 */
export interface Owner {
  readonly pid: number;
  readonly start: string;
  readonly boot: string;
  readonly space: string;
}

/** This process. */
export const currentOwner = (): Owner => ({
  pid: process.pid,
  start: statOf(process.pid)?.start ?? '',
  boot: bootId(),
  space: /\d+/.exec(unlessError(() => readlinkSync('/proc/self/ns/pid')) ?? '')?.[0] ?? '',
});

/** Four fields of letters and digits, joined by dots; parsed by `parseOwner`. */
export const formatOwner = ({ pid, start, boot, space }: Owner): string => `${pid}.${start}.${space}.${boot}`;

const OWNER = /^(\d{1,10})\.([0-9]{0,20})\.([0-9]{0,20})\.([0-9a-z]{1,12})$/;

export function parseOwner(text: string): Owner | undefined {
  const [, pid, start, space, boot] = OWNER.exec(text) ?? [];
  if (pid === undefined || start === undefined || space === undefined || boot === undefined) return undefined;
  return { pid: Number(pid), start, boot, space };
}

/**
 * Whether the owner still lives, as far as `self`, which is this process, can see: `unseen` for one of another namespace
 * of this boot. A process that has ended but was not waited for is dead.
 */
export function lifeOf(owner: Owner, self: Owner): 'alive' | 'dead' | 'unseen' {
  if (owner.boot !== self.boot) return 'dead';
  if (owner.space !== self.space) return 'unseen';
  if (owner.pid === self.pid) return owner.start === self.start ? 'alive' : 'dead';
  if (!isThere(owner.pid)) return 'dead';
  // /proc may hide the processes of others, who are there all the same.
  const stat = statOf(owner.pid);
  if (stat === undefined || owner.start === '') return 'alive';
  return stat.start === owner.start && !'ZX'.includes(stat.state) ? 'alive' : 'dead';
}

const endings = new Set<() => void>();

/** Has the work done when the process ends by itself; what it returns takes that back. */
export function atExit(work: () => void): () => void {
  if (endings.size === 0) process.on('exit', endAll);
  endings.add(work);
  return () => {
    endings.delete(work);
    if (endings.size === 0) process.off('exit', endAll);
  };
}

function endAll(): void {
  for (const work of endings) work();
}

function isThere(pid: number): boolean {
  if (pid < 1) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is another user's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** The name of the program stands in parentheses and may hold anything, so the last one counts. */
function statOf(pid: number): { state: string; start: string } | undefined {
  const text = unlessError(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, start] = [fields?.[0], fields?.[19]];
  return state === undefined || start === undefined ? undefined : { state, start };
}

function bootId(): string {
  const id = unlessError(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')) ?? hostname();
  return (
    id
      .toLowerCase()
      .replace(/[^0-9a-z]/g, '')
      .slice(0, 12) || '0'
  );
}

function unlessError<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
