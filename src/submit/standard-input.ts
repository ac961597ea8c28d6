import { fstatSync, readFileSync } from 'node:fs';

/** Whether somebody types there. The module that knows is loaded only where it may be: it takes half a millisecond. */
export async function isTerminal(descriptor: number): Promise<boolean> {
  if (!isCharacterDevice(descriptor)) return false;
  const { isatty } = await import('node:tty');
  return isatty(descriptor);
}

/** Where an open file is read next, in octets from its start; undefined where the system does not say (not Linux). */
export function positionOf(descriptor: number): number | undefined {
  try {
    const position = /^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return position === undefined ? undefined : Number(position);
  } catch {
    return undefined;
  }
}

/** The bytes of standard input as they come; stopping early leaves the rest to be read. */
export async function* standardInput(): AsyncGenerator<Buffer, undefined> {
  for await (const chunk of process.stdin.iterator({ destroyOnReturn: false })) yield chunk;
  return undefined;
}

/** Standard input, and what answers it. */
export interface Conversation {
  readonly input: AsyncIterable<Buffer>;
  /** Rejects where nobody reads. */
  write(text: string): Promise<void>;
  /** Reads no more. */
  end(): void;
}

/** `write` says whether all of the text was taken. */
export const conversation = (write: (text: string) => boolean): Conversation => ({
  input: standardInput(),
  async write(text) {
    if (!write(text)) throw new Error('Cannot write to standard output: nobody reads it');
  },
  end: () => void process.stdin.destroy(),
});

export interface DrainLimits {
  readonly octets: number;
  readonly milliseconds: number;
}

// A caller that has more than this to say, or is slower, is not helped by our waiting.
const DRAIN: DrainLimits = { octets: 33_554_432, milliseconds: 5000 };

/**
 * Reads standard input to its end, bounded, so that a caller who is still writing sees our exit status and not a broken
 * pipe. Only pipes and sockets have such a caller. Never throws; nothing can be read from standard input after it.
 *
 * By events and not by `fs.read`: a read that waits in the thread pool would keep the program from ending.
 */
export async function drain({ octets, milliseconds }: DrainLimits = DRAIN): Promise<void> {
  if (!hasWriter()) return;
  const input = process.stdin;
  if (input.readableEnded || input.destroyed) return;
  let left = octets;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    input.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) finish();
    });
    input.once('end', finish).once('close', finish).on('error', finish);
  });
  input.destroy();
}

function isCharacterDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false;
  }
}

function hasWriter(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
