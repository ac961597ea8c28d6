import { type BigIntStats, closeSync, fstatSync, readSync } from 'node:fs';
import type { Source } from './source.ts';

/*
 * A piece of an open file as a source. It is read where it lies, through its descriptor, so that neither a rename nor
 * an unlink matters; but somebody may write into it, and a message that is counted once and sent later must be the same
 * both times. So each pass looks at the file's size and time of change first and last, and throws where they are new.
 *
 * Reads are synchronous: from the page cache one takes 30 microseconds, less than the way to the thread pool and back.
 * After each TURN octets the event loop gets its turn, so that replies, timers and signals are not kept waiting.
 */

// As much as smtp/stuffing converts at once; larger chunks leave the second cache of a core and were slower.
const CHUNK = 262_144;
const TURN = 8 * CHUNK;

export interface FilePart {
  /** Open for reading; the source closes it when it is closed. */
  readonly descriptor: number;
  /** Octets before the first. */
  readonly offset: number;
  readonly size: number;
}

/** A source of a part of a file. @throws {Error} where the descriptor is not open */
export function fileSource({ descriptor, offset, size }: FilePart): Source {
  const first = fstatSync(descriptor, { bigint: true });
  const check = (): void => {
    if (!isSame(first, fstatSync(descriptor, { bigint: true }))) throw changed();
  };
  return {
    size,
    async *chunks() {
      check();
      const memory = Buffer.allocUnsafeSlow(Math.min(CHUNK, size));
      for (let at = 0; at < size; ) {
        const length = readSync(descriptor, memory, 0, Math.min(CHUNK, size - at), offset + at);
        if (length === 0) throw changed();
        at += length;
        yield memory.subarray(0, length);
        if (at % TURN < length) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      check();
    },
    close: () => closeSync(descriptor),
  };
}

const isSame = (a: BigIntStats, b: BigIntStats): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino && a.dev === b.dev;

const changed = (): Error => new Error('Cannot read message: the file was changed while it was being sent');
