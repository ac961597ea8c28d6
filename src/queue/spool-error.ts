import { escapeControls } from '../mail/printable.ts';
import { codeOf } from './disk.ts';

/** 73 can't create, 75 try again, 77 not permitted, 78 wrong setting (sysexits.h). */
export type SpoolExit = 73 | 75 | 77 | 78;

/** The spool can't do what was asked. Nothing half done is left of it. */
export class SpoolError extends Error {
  override readonly name: string = 'SpoolError';
  readonly exit: SpoolExit;

  constructor(message: string, exit: SpoolExit, options?: { cause: unknown }) {
    super(message, options);
    this.exit = exit;
  }

  /** The message: one line. */
  get text(): string {
    return this.message;
  }
}

/** A file of the entry is not what it was when it was written. */
export class DamageError extends SpoolError {
  override readonly name = 'DamageError';
}

const LASTING: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  ENOENT: 'it is missing',
  ENOTDIR: 'something that is no folder is in its place',
  ELOOP: 'a symbolic link is in its place',
  ENAMETOOLONG: 'the name is too long',
};
const PASSING: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file is too large for the file system',
  EIO: 'the disk reports an error',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this system',
  ENOMEM: 'no memory is left',
};

/**
 * An error of the system as the spool's: `Cannot <action>: <reason> (<code>): "<path>"`. Errors that are not the system's
 * are given back as they are.
 */
export function spoolError(action: string, path: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined || error instanceof SpoolError) return error;
  const reason = LASTING[code] ?? PASSING[code] ?? 'the system refused';
  const text = `Cannot ${action}: ${reason} (${code}): "${escapeControls(path)}"`;
  return new SpoolError(text, code in LASTING ? 73 : 75, { cause: error });
}
