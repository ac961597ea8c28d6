import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isRecord, jsonOf } from '../mail/json.ts';
import { quoted } from '../mail/printable.ts';
import { makeFolders } from '../queue/disk.ts';
import type { Client } from './client.ts';
import { locked } from './lock.ts';

/** What a login gave, and the access token that was fetched last. Times are in milliseconds since 1970. */
export interface Tokens {
  /** Absent: the client itself logs in. */
  readonly refresh?: string;
  readonly access?: string;
  readonly issued?: number;
  readonly expires?: number;
}

/**
 * The tokens of one account: a file of JSON for its owner alone, which is replaced as a whole and on the disk before
 * anybody is told. They belong to one client of one endpoint: to another they are never shown.
 */
export interface TokenFile {
  /** Undefined where there are none, or another client's. @throws {TokenFileError} */
  read(): Tokens | undefined;
  /** Makes sure that what is to come can be written: a refresh token is often given once. @throws {TokenFileError} */
  begin(): Draft;
  /** One at a time, among all processes; undefined where others were at it for too long. @throws {TokenFileError} */
  locked<T>(work: () => Promise<T>): Promise<T | undefined>;
}

export interface Draft {
  /** @throws {TokenFileError} */
  commit(tokens: Tokens): void;
  /** After `commit`, it does nothing. */
  discard(): void;
}

export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

export interface TokenFileOptions {
  /** Absolute. */
  readonly path: string;
  readonly client: Pick<Client, 'id' | 'tokenUrl' | 'scope'>;
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

/** Octets. */
const MOST = 65_536;

export function openTokenFile(options: TokenFileOptions): TokenFile {
  const { path, client, now, sleep } = options;
  const whose = { client: client.id, endpoint: client.tokenUrl, scope: client.scope ?? '' };
  return {
    read() {
      const content = naming(path, 'read', () => readContent(path));
      const isOurs = content !== undefined && Object.entries(whose).every(([key, value]) => content[key] === value);
      return isOurs ? tokensIn(content) : undefined;
    },
    begin() {
      const aside = `${path}.${randomBytes(6).toString('hex')}`;
      const descriptor = naming(path, 'write', () => {
        makeFolders(dirname(path));
        return openSync(aside, 'wx', 0o600);
      });
      let isOpen = true;
      const discard = (): void => {
        if (!isOpen) return;
        isOpen = false;
        closeSync(descriptor);
        unlinkSync(aside);
      };
      return {
        discard,
        commit: (tokens) =>
          naming(path, 'write', () => {
            try {
              writeSync(descriptor, `${JSON.stringify({ version: 1, ...whose, ...tokens }, undefined, 2)}\n`);
              fsyncSync(descriptor);
              renameSync(aside, path);
              isOpen = false;
              closeSync(descriptor);
              syncFolder(dirname(path));
            } finally {
              discard();
            }
          }),
      };
    },
    async locked(work) {
      naming(path, 'write', () => makeFolders(dirname(path)));
      return locked({ path: `${path}.lock`, now, sleep }, work);
    },
  };
}

/** Tokens that are gone with the process: for a client that logs in itself, where there is no place for a file. */
export function tokensInMemory(): TokenFile {
  let kept: Tokens | undefined;
  let turns: Promise<unknown> = Promise.resolve();
  return {
    read: () => kept,
    begin: () => ({
      commit(tokens) {
        kept = tokens;
      },
      discard() {},
    }),
    locked(work) {
      const mine = turns.then(work);
      turns = mine.catch(() => {});
      return mine;
    },
  };
}

/**
 * Forgets the tokens, whichever client's they are; false where there were none. Who is about to renew them is waited for,
 * as they would be back otherwise. @throws {TokenFileError}
 */
export async function forgetTokens({ path, now, sleep }: Omit<TokenFileOptions, 'client'>): Promise<boolean> {
  const isThere = (): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (!naming(path, 'remove', isThere)) return false;
  const remove = (): boolean =>
    naming(path, 'remove', () => {
      if (!isThere()) return false;
      unlinkSync(path);
      syncFolder(dirname(path));
      return true;
    });
  return (await locked({ path: `${path}.lock`, now, sleep }, async () => remove())) ?? remove();
}

function readContent(path: string): Readonly<Record<string, unknown>> | undefined {
  let descriptor: number;
  try {
    // A FIFO would stop us for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MOST) throw new TokenFileError('it is no small file');
    if ((stat.mode & 0o077) !== 0) throw new TokenFileError('it is open to others; "chmod 600" closes it');
    return parse(readFileSync(descriptor, 'utf8'));
  } finally {
    closeSync(descriptor);
  }
}

/** What was damaged is as if it were not there: a new login replaces it. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = jsonOf(text);
  return isRecord(value) ? value : undefined;
}

function tokensIn({ refresh, access, issued, expires }: Readonly<Record<string, unknown>>): Tokens {
  return {
    ...(typeof refresh === 'string' ? { refresh } : {}),
    ...(typeof access === 'string' && typeof issued === 'number' && typeof expires === 'number'
      ? { access, issued, expires }
      : {}),
  };
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function naming<T>(path: string, act: 'read' | 'write' | 'remove', work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = error instanceof TokenFileError ? error.message : `it can't be used (${String(codeOf(error))})`;
    throw new TokenFileError(`Cannot ${act} tokens: file ${quoted(path)}: ${reason}`);
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : 'unknown error');
