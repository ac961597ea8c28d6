import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { quoted } from '../mail/printable.ts';
import { fileSource } from '../message/file-source.ts';
import type { Source } from '../message/source.ts';
import type { DotOptions } from './dots.ts';
import { IN_MEMORY, type Scratch, scratch } from './scratch.ts';
import { isTerminal, positionOf, standardInput } from './standard-input.ts';

/*
 * Takes the message in, raw, from standard input or a file, as bytes that can be read again: what is no larger than
 * 1 MiB is kept in memory, a larger regular file is read where it lies, and all else goes through a file without a name.
 *
 * Reading is synchronous, which for a small message is all there is to do: fstat, read, read. A message that is slow to
 * come therefore blocks the event loop, so handlers for signals that should end the program are of use only after the
 * intake; until then nothing is accepted, and the signals' own effect is right. Only a terminal and a standard input
 * that is set to non-blocking are read by way of the event loop.
 *
 * It fails with an IntakeError, and leaves what it did not read: `drain` of `submit/standard-input` reads that.
 */

/**
 * `noinput`: there is nothing to read (exit 66). `io`: reading or keeping failed (74). `cantcreate`: there can be no
 * temporary file (73). `toolarge`: over the limit (65).
 */
export type IntakeKind = 'noinput' | 'io' | 'cantcreate' | 'toolarge';

export class IntakeError extends Error {
  override readonly name = 'IntakeError';
  readonly kind: IntakeKind;

  constructor(kind: IntakeKind, reason: string, options?: { cause: unknown }) {
    super(`Cannot read message: ${reason}`, options);
    this.kind = kind;
  }
}

export interface Intake {
  /** A path; `-` or none is standard input. */
  readonly file?: string;
  /** Octets; 0 or none is no limit. */
  readonly maxSize?: number;
  /** What a lone dot means on standard input. Absent: nothing. */
  readonly dots?: Dots;
}

export type Dots = Omit<DotOptions, 'terminal'>;

/** Reads the message. @throws {IntakeError} */
export async function intake({ file = '-', maxSize = 0, dots }: Intake): Promise<Source> {
  const limit = maxSize > 0 ? maxSize : Number.POSITIVE_INFINITY;
  if (file === '-') return dots === undefined || dots.ignoreDots ? fromStandardInput(limit) : undotted(limit, dots);
  const name = quoted(file);
  const input: Input = { descriptor: reading(name, () => openSync(file, 'r')), name };
  let source: Source | undefined;
  try {
    const stat = look(input);
    source = inPlace(input, stat, limit);
    return source ?? (await copied(input, stat, limit));
  } finally {
    if (source === undefined) closeSync(input.descriptor);
  }
}

async function fromStandardInput(limit: number): Promise<Source> {
  const stat = look(STANDARD_INPUT);
  // Without `close`: standard input is not ours to close.
  const source = inPlace(STANDARD_INPUT, stat, limit);
  return source === undefined
    ? copied(STANDARD_INPUT, stat, limit)
    : { size: source.size, chunks: () => source.chunks() };
}

async function undotted(limit: number, dots: Dots): Promise<Source> {
  const { dotRule, undot, untilDot } = await import('./dots.ts');
  const terminal = look(STANDARD_INPUT).isCharacterDevice() && (await isTerminal(0));
  const rule = dotRule({ ...dots, terminal });
  if (!terminal || rule === 'ignore') return undot(await fromStandardInput(limit), rule);
  return collected(STANDARD_INPUT, limit, (keep) => readByEvents(STANDARD_INPUT, untilDot(standardInput()), keep));
}

interface Input {
  readonly descriptor: number;
  /** For messages. */
  readonly name: string;
}

const STANDARD_INPUT: Input = { descriptor: 0, name: 'standard input' };

function look({ descriptor, name }: Input): Stats {
  const stat = reading(name, () => fstatSync(descriptor));
  if (stat.isDirectory()) throw new IntakeError('noinput', `${name} is a directory`);
  return stat;
}

/** A large regular file as it lies there, the descriptor now its own; undefined for what must be copied. */
function inPlace({ descriptor, name }: Input, stat: Stats, limit: number): Source | undefined {
  if (!stat.isFile() || stat.size <= IN_MEMORY) return undefined;
  const offset = descriptor === 0 ? positionOf(descriptor) : 0;
  if (offset === undefined || stat.size - offset <= IN_MEMORY) return undefined;
  const size = stat.size - offset;
  if (size > limit) throw tooLarge(name, limit);
  return reading(name, () => fileSource({ descriptor, offset, size }));
}

function copied(input: Input, stat: Stats, limit: number): Promise<Source> {
  return collected(input, limit, async (keep) => {
    const byEvents = input.descriptor === 0 && stat.isCharacterDevice() && (await isTerminal(0));
    if (byEvents || !readAll(input, keep)) await readByEvents(input, standardInput(), keep);
  });
}

type Keep = (chunk: Buffer) => void;

async function collected(input: Input, limit: number, read: (keep: Keep) => Promise<void>): Promise<Source> {
  const copy = scratch();
  try {
    await read((chunk) => {
      if (copy.size + chunk.length > limit) throw tooLarge(input.name, limit);
      write(copy, chunk);
    });
    return copy.finish();
  } catch (error) {
    copy.discard();
    throw error;
  }
}

// What a pipe holds, so that one read empties it.
const CHUNK = 65_536;

/** Reads to the end; false where nothing is there yet and the descriptor does not wait. */
function readAll({ descriptor, name }: Input, keep: Keep): boolean {
  const memory = Buffer.allocUnsafeSlow(CHUNK);
  for (;;) {
    let length: number;
    try {
      length = readSync(descriptor, memory, 0, CHUNK, null);
    } catch (error) {
      if (descriptor === 0 && codeOf(error) === 'EAGAIN') return false;
      throw unreadable(name, error);
    }
    if (length === 0) return true;
    keep(memory.subarray(0, length));
  }
}

async function readByEvents({ name }: Input, from: AsyncIterable<Buffer>, keep: Keep): Promise<void> {
  const chunks = from[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => {
      throw unreadable(name, error);
    });
    if (next.done === true) return;
    keep(next.value);
  }
}

function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(name, error);
  }
}

function write(copy: Scratch, chunk: Buffer): void {
  try {
    copy.write(chunk);
  } catch (error) {
    const cause = { cause: error };
    const where = 'in the folder for temporary files';
    throw error instanceof Error && 'syscall' in error && error.syscall === 'open'
      ? new IntakeError('cantcreate', `no file can be made for it ${where}: ${wordsOf(error)}`, cause)
      : new IntakeError('io', `no room for it ${where}: ${wordsOf(error)}`, cause);
  }
}

const tooLarge = (name: string, limit: number): IntakeError =>
  new IntakeError('toolarge', `${name} has more than ${limit} octets`);

/** What the caller can mend by naming another file; all else is the system's. */
const NO_INPUT: readonly (string | undefined)[] = [
  ...['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'EBADF'],
  'ERR_INVALID_ARG_VALUE',
];

function unreadable(name: string, error: unknown): IntakeError {
  const kind = NO_INPUT.includes(codeOf(error)) ? 'noinput' : 'io';
  return new IntakeError(kind, `${name}: ${wordsOf(error)}`, { cause: error });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** `no such file or directory` of `ENOENT: no such file or directory, open 'a'`. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /^[A-Z0-9]+: ([^,]+)/.exec(text)?.[1] ?? quoted(text);
}
