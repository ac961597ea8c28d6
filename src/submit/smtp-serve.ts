import type { NamedRecipient } from '../config/aliases.ts';
import type { Address } from '../mail/address.ts';
import type { Source } from '../message/source.ts';
import type { Scratch } from './scratch.ts';
import { type SessionEnd, session } from './smtp-session.ts';
import type { SessionAnswer, SessionEnvelope, SessionStep, Verdict } from './smtp-step.ts';
import type { SessionOptions } from './smtp-transaction.ts';

/** Five minutes: what a server waits for a command (RFC 5321, section 4.5.3.2.7). Symfony keeps a process open. */
export const IDLE = 300_000;

type Place = Pick<Scratch, 'write' | 'finish' | 'discard'>;

/** What a session needs of the world. */
export interface SessionEnds {
  /** Standard input; a chunk's memory is not used again. */
  readonly input: AsyncIterable<Buffer>;
  /** Standard output; resolves when it took the text, rejects where nobody reads any more. */
  write(text: string): Promise<void>;
  /** A place for a message (`submit/scratch`). */
  scratch(): Place;
  /** Takes the message over; resolves with a positive verdict when it is on disk. The source is closed after it. */
  submit(envelope: SessionEnvelope, source: Source): Promise<Verdict>;
  /** Asked at RCPT. Absent: all are accepted there. */
  verify?(recipient: NamedRecipient, sender: Address | null): Promise<Verdict>;
  /** Resolves after so many milliseconds, at once where the signal becomes aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Milliseconds without a byte that end the session. Default IDLE. */
  readonly idle?: number;
  /** Told of what `submit`, `verify`, `scratch` or the input threw; the client hears of a temporary failure. */
  trouble?(error: unknown): void;
}

export type Served = SessionEnd | { readonly why: 'broken'; readonly accepted: number };

const NO_ROOM: Verdict = { ok: false, status: '4.3.1', text: 'Message could not be kept' };
const TROUBLE: Verdict = { ok: false, status: '4.3.0', text: 'It could not be handled' };

/** Replies that wait for the next read are sent at this many characters. */
const MOST_WAITING = 65_536;

/** Carries a session over a pair of streams, to its end; `broken` is that nobody reads the replies. Never rejects. */
export async function serveSmtp(options: Omit<SessionOptions, 'verify'>, ends: SessionEnds): Promise<Served> {
  const dialogue = session({ ...options, verify: ends.verify !== undefined });
  const read = reader(ends);
  const kept = keeper(ends);
  let waiting = '';
  let accepted = 0;

  async function flush(): Promise<void> {
    const text = waiting;
    waiting = '';
    if (text !== '') await ends.write(text);
  }

  async function perform(step: SessionStep): Promise<SessionAnswer> {
    switch (step.kind) {
      case 'read':
        await flush();
        return read();
      case 'reply':
        waiting += step.text;
        if (waiting.length > MOST_WAITING) await flush();
        return { kind: 'done' };
      case 'verify':
        await flush();
        return { kind: 'verdict', verdict: await judged(ends, () => ends.verify?.(step.recipient, step.sender)) };
      case 'content':
        kept.write(step.bytes);
        return { kind: 'done' };
      case 'discard':
        kept.discard();
        return { kind: 'done' };
      case 'submit': {
        await flush();
        const verdict = await judged(ends, () => kept.give((source) => ends.submit(step.envelope, source)));
        if (verdict.ok) accepted++;
        return { kind: 'verdict', verdict };
      }
    }
  }

  try {
    let next = dialogue.next();
    while (next.done !== true) next = dialogue.next(await perform(next.value));
    await flush();
    return next.value;
  } catch (error) {
    ends.trouble?.(error);
    return { why: 'broken', accepted };
  } finally {
    kept.discard();
  }
}

/** The verdict of whoever is asked; a temporary failure where they throw. */
async function judged(ends: SessionEnds, ask: () => Promise<Verdict> | undefined): Promise<Verdict> {
  try {
    return (await ask()) ?? { ok: true, text: 'Ok' };
  } catch (error) {
    ends.trouble?.(error);
    return TROUBLE;
  }
}

/** The bytes of the input; the end where it fails. */
function reader(ends: SessionEnds): () => Promise<SessionAnswer> {
  const chunks = ends.input[Symbol.asyncIterator]();
  const next = async (): Promise<SessionAnswer> => {
    try {
      const { done, value } = await chunks.next();
      return done === true ? { kind: 'over', why: 'end' } : { kind: 'bytes', bytes: value };
    } catch (error) {
      ends.trouble?.(error);
      return { kind: 'over', why: 'end' };
    }
  };
  return async () => {
    const waited = new AbortController();
    const idle = ends
      .sleep(ends.idle ?? IDLE, waited.signal)
      .then((): SessionAnswer => ({ kind: 'over', why: 'idle' }));
    try {
      return await Promise.race([next(), idle]);
    } finally {
      waited.abort();
    }
  };
}

/** The bytes of one message at a time. */
function keeper(ends: SessionEnds) {
  let scratch: Place | undefined;
  let failed = false;

  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      failed = true;
      ends.trouble?.(error);
    }
  };
  const discard = (): void => {
    const old = scratch;
    scratch = undefined;
    attempt(() => old?.discard());
    failed = false;
  };

  return {
    write(bytes: Buffer): void {
      if (failed) return;
      attempt(() => {
        scratch ??= ends.scratch();
        scratch.write(bytes);
      });
    },
    discard,
    async give(submit: (source: Source) => Promise<Verdict>): Promise<Verdict> {
      if (failed) {
        discard();
        return NO_ROOM;
      }
      const whole = scratch ?? ends.scratch();
      scratch = undefined;
      const source = whole.finish();
      try {
        return await submit(source);
      } finally {
        source.close?.();
      }
    },
  };
}
