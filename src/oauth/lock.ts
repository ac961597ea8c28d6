import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { atExit, currentOwner, formatOwner, lifeOf, parseOwner } from '../queue/owner.ts';

/*
 * One process at a time: a file that names its owner, and whose name is given by a hard link, so that it is never there
 * without its text. An owner that is dead is taken away at once; one that can't be seen (another container) when its lock
 * is older than any honest work.
 */
export interface LockOptions {
  readonly path: string;
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

const PAUSE = 50;
/** Milliseconds. A request for tokens ends within 30 s, and another one may wait before us. */
const PATIENCE = 75_000;
const OLD = 300_000;

/** Undefined where others were at it for too long. @throws {Error} the system's, and what the work throws */
export async function locked<T>(options: LockOptions, work: () => Promise<T>): Promise<T | undefined> {
  const { path, now, sleep } = options;
  const end = now() + PATIENCE;
  while (!taken(path)) {
    if (breakStale(path, now())) continue;
    if (now() > end) return undefined;
    await sleep(PAUSE);
  }
  const release = (): void => unlinkQuietly(path);
  const stay = atExit(release);
  try {
    return await work();
  } finally {
    stay();
    release();
  }
}

const chance = (): string => randomBytes(6).toString('hex');

function taken(path: string): boolean {
  const own = `${path}.${chance()}`;
  writeFileSync(own, formatOwner(currentOwner()), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkQuietly(own);
  }
}

/** True where there is no lock now, or none was. */
function breakStale(path: string, now: number): boolean {
  const text = readQuietly(path);
  if (text === undefined) return true;
  const owner = parseOwner(text);
  const life = owner === undefined ? 'unseen' : lifeOf(owner, currentOwner());
  if (life === 'alive' || (life === 'unseen' && now - writtenAt(path) < OLD)) return false;
  const aside = `${path}.${chance()}`;
  try {
    renameSync(path, aside);
  } catch {
    return true;
  }
  // Another one was quicker, and it is his lock that we hold.
  if (readQuietly(aside) !== text) giveBack(aside, path);
  unlinkQuietly(aside);
  return true;
}

function giveBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch {
    // A third one has it.
  }
}

function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function writtenAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there.
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
