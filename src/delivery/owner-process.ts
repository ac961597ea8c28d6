import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Ending } from '../mail/ending.ts';
import type { Becoming } from '../world.ts';

/*
 * A process of another user that is given bytes and answers with one line. It has an empty environment, none of our
 * descriptors, no group but its own, and a session of its own, so that what ends us by the keyboard lets it finish. Each
 * user has one at a time: who stops his keeps others from nothing but one of the PLACES.
 */
export interface Errand {
  /** What it reads; each piece is written before the next is asked for. */
  readonly pieces: AsyncIterable<Buffer>;
  readonly signal?: Ending | undefined;
}

export type Answer =
  | { readonly line: string }
  /** There is none; what was read may have been used all the same. */
  | { readonly reason: string }
  /** The pieces could not be read to their end. */
  | { readonly error: unknown };

/** A process takes some 40 MB. */
const PLACES = 8;
/** Octets. */
const LONGEST_ANSWER = 16_384;
/** What a shell or a daemon may leave open is far below. */
const MOST_DESCRIPTORS = 65_536;
/** Milliseconds without progress: the lock of an mbox is waited for up to 45 s. */
const PATIENCE = 90_000;
/** Milliseconds to take back what was half written. */
const GRACE = 5_000;

/** Sends somebody on an errand. Never rejects. */
export async function sendFor(becoming: Becoming, errand: Errand): Promise<Answer> {
  const leave = await enter(becoming.uid);
  try {
    return await ask(becoming, errand);
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  } finally {
    leave();
  }
}

const users = new Map<number, Promise<void>>();
const waiting: (() => void)[] = [];
let taken = 0;

/** Waits for its turn; gives what ends it. */
async function enter(uid: number): Promise<() => void> {
  let end = (): void => {};
  const before = users.get(uid);
  const own = new Promise<void>((resolve) => {
    end = resolve;
  });
  users.set(uid, own);
  await before;
  if (taken >= PLACES) await new Promise<void>((resolve) => waiting.push(resolve));
  else taken += 1;
  return () => {
    if (users.get(uid) === own) users.delete(uid);
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next();
    end();
  };
}

/** Rejects with what the system says, where it does not tell it by an event. */
function ask(becoming: Becoming, { pieces, signal }: Errand): Promise<Answer> {
  return new Promise((resolve) => {
    const child = start(becoming);
    const { stdin, stdout } = child;
    if (child.pid === undefined || stdin === null || stdout === null) {
      return void child.on('error', (error) => resolve({ reason: error.message }));
    }
    let output = '';
    let trouble: { readonly error: unknown } | undefined;
    let timer: NodeJS.Timeout | undefined;
    const restart = (act: () => void, milliseconds: number): void => {
      clearTimeout(timer);
      timer = setTimeout(act, milliseconds);
    };
    /** Whoever else may have its output does not keep us. */
    const end = (): void => {
      child.kill('SIGKILL');
      stdout.destroy();
    };
    /** It sees the end too early, and takes back what it has done. */
    const giveUp = (): void => {
      stdin.destroy();
      restart(end, GRACE);
    };
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      resolve(answer);
    };
    restart(giveUp, PATIENCE);
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted === true) giveUp();
    stdin.on('error', () => {});
    stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > LONGEST_ANSWER) end();
    });
    child.on('error', (error) => finish({ reason: error.message }));
    child.on('close', (code, killer) => {
      const at = output.indexOf('\n');
      if (trouble !== undefined) finish(trouble);
      else if (at < 0 || output.length > LONGEST_ANSWER) finish({ reason: `it ended with ${code ?? killer}` });
      else finish({ line: output.slice(0, at) });
    });
    feed(stdin, pieces, () => restart(giveUp, PATIENCE)).catch((error: unknown) => {
      trouble = { error };
      giveUp();
    });
  });
}

function start({ program, words, uid, gid }: Becoming): ChildProcess {
  const nothing = openSync('/dev/null', 'r');
  try {
    return spawn(program, words, {
      ...{ uid, gid, env: {}, cwd: '/', detached: true },
      stdio: ['pipe', 'pipe', 'ignore', ...covered(nothing)],
    });
  } finally {
    closeSync(nothing);
  }
}

/**
 * Node closes its own descriptors, but not all of those that it was started with: something else is put over them, from
 * the fourth on. Without /proc nobody says which they are.
 */
function covered(nothing: number): readonly ('ignore' | number)[] {
  const open = new Set(descriptors());
  return Array.from({ length: Math.max(3, ...open) - 2 }, (_, at) => (open.has(at + 3) ? nothing : 'ignore'));
}

function descriptors(): readonly number[] {
  try {
    return readdirSync('/proc/self/fd')
      .map(Number)
      .filter((each) => each > 2 && each < MOST_DESCRIPTORS);
  } catch {
    return Array.from({ length: 256 }, (_, at) => at + 3);
  }
}

async function feed(stdin: Writable, pieces: AsyncIterable<Buffer>, onProgress: () => void): Promise<void> {
  for await (const piece of pieces) {
    if (stdin.destroyed) return;
    // Also called where nobody reads any more.
    await new Promise<void>((resolve) => stdin.write(piece, () => resolve()));
    if (!stdin.destroyed) onProgress();
  }
  stdin.end();
}
