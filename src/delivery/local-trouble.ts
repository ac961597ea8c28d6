import { quoted } from '../mail/printable.ts';
import type { Failure, Stage } from '../mail/result.ts';
import { INTERRUPTED } from './failures.ts';

/*
 * What went wrong on this machine's own disk, as failures. What heals by itself or by the administrator's hand while the
 * mail waits is transient: no space, no quota, no permission, a broken disk. What will be the same tomorrow is permanent,
 * so that the sender hears of it today: something else stands where the mailbox should be.
 */

/** Ends one delivery with a failure of ours. */
export class LocalTrouble extends Error {
  override readonly name = 'LocalTrouble';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.text);
    this.failure = failure;
  }
}

export const interrupted = (): LocalTrouble => new LocalTrouble(INTERRUPTED);

interface Meaning {
  readonly permanent: boolean;
  /** RFC 3463. */
  readonly status: string;
  readonly words: string;
  readonly advice?: string;
}

const RIGHTS = 'Check who owns the mailbox and its folder';
const WRITABLE = 'Let posthaste.service write there: ReadWritePaths, see posthaste.toml(5)';
const PLACE = 'Correct the path in the configuration, or make room for the mailbox';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: { permanent: false, status: '4.3.1', words: 'no space is left on the disk' },
  EDQUOT: { permanent: false, status: '4.2.2', words: 'the disk quota is used up' },
  EFBIG: { permanent: false, status: '4.2.2', words: 'the file would become larger than is allowed' },
  EACCES: { permanent: false, status: '4.3.0', words: 'permission denied', advice: RIGHTS },
  EPERM: { permanent: false, status: '4.3.0', words: 'not permitted', advice: RIGHTS },
  EROFS: { permanent: false, status: '4.3.0', words: 'the disk is read-only', advice: WRITABLE },
  ENOTDIR: { permanent: true, status: '5.3.5', words: 'a part of the path is no folder', advice: PLACE },
  EISDIR: { permanent: true, status: '5.3.5', words: 'it is a folder', advice: PLACE },
  ELOOP: { permanent: true, status: '5.3.5', words: 'it is a symbolic link', advice: PLACE },
  ENAMETOOLONG: { permanent: true, status: '5.3.5', words: 'the path is too long', advice: PLACE },
};

/** Something is where the mailbox should be. */
export const misplaced = (path: string, words: string): LocalTrouble =>
  new LocalTrouble({
    ...base('connect'),
    permanent: true,
    status: '5.3.5',
    text: `Cannot deliver: ${quoted(path, 200)} ${words}`,
    advice: PLACE,
  });

/** It could be done, but not safely, or not now. */
export const notNow = (path: string, words: string, status: '4.3.0' | '4.2.0'): LocalTrouble =>
  new LocalTrouble({
    ...base('connect'),
    permanent: false,
    status,
    text: `Cannot deliver: ${quoted(path, 200)} ${words}`,
  });

/** The message's own bytes can't be read: no other place would fare better. */
export const unreadable = (error: unknown): LocalTrouble =>
  new LocalTrouble({
    scope: 'message',
    permanent: false,
    stage: 'body',
    status: '4.3.0',
    text: `Cannot read the message: ${error instanceof Error ? error.message : String(error)}`,
  });

/** The failure that an error stands for; undefined where it is none of the system's or ours, and so a bug. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof LocalTrouble) return error.failure;
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const { permanent, status, words, advice } = MEANINGS[code] ?? { permanent: false, status: '4.3.0', words: code };
  return {
    ...base('body'),
    permanent,
    status,
    text: `Cannot deliver: ${words}`,
    ...(advice === undefined ? {} : { advice }),
  };
}

/** Another way to deliver may do better. */
const base = (stage: Stage): Pick<Failure, 'scope' | 'stage'> => ({ scope: 'host', stage });

/** The system's name of an error, such as `ENOENT`; undefined where it is none of the system's. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error
    ? error.code
    : undefined;

/** What `get` gives, and undefined where there is no such file. @throws every other error */
export function unlessMissing<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Does what need not succeed: what was to be taken away is left for a person. */
export function attemptTo(act: () => void): void {
  try {
    act();
  } catch {
    // The failure that led here is the one to tell.
  }
}
