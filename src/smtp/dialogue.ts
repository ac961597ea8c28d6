import type { Reply } from '../mail/reply.ts';
import type { Stage } from '../mail/result.ts';
import type { Message } from '../message/message.ts';

/**
 * A dialogue is a generator: it yields steps and is resumed with the replies, so that the order of the protocol is
 * plain code and runs without a socket. `net/converse` carries it over a connection; a test plays it against a
 * transcript. A broken wire (closed, timed out, malformed, an answer to nothing) is thrown into the generator as a
 * WireError; a refusal is a Reply like any other.
 */
export type Dialogue<T> = Generator<Step, T, readonly Reply[]>;

export type Step =
  /** Wait for a reply that no command asked for: the greeting. */
  | { readonly kind: 'listen'; readonly stage: Stage }
  /** Write all parts in one flight, reading meanwhile; resumed with as many replies as the parts expect. */
  | { readonly kind: 'flight'; readonly parts: readonly Part[] }
  /** Start TLS on the connection; resumed with no reply. Bytes that were received before it break the wire. */
  | { readonly kind: 'tls' };

export type Part =
  | {
      readonly kind: 'command';
      /** Made by `command()`: without CRLF, and with no CR, LF or NUL in it. */
      readonly line: string;
      readonly stage: Stage;
      /** The transcript shows `<secret>` for what follows this prefix; '' hides the whole line. */
      readonly secretAfter?: string;
      /** False: nobody waits for the reply (QUIT behind the message). */
      readonly reply: boolean;
    }
  | {
      readonly kind: 'body';
      readonly message: Message;
      /** `dots`: after DATA, dot-stuffed and ended by the final dot. `plain`: after BDAT, as it is. */
      readonly form: 'dots' | 'plain';
      /** Replies that the end of the message asks for: 1, and for LMTP one for each recipient that stands. */
      readonly replies: number;
    };

export type WireTrouble = 'closed' | 'reset' | 'timeout' | 'malformed' | 'unasked' | 'tls' | 'source';

export interface WireFacts {
  readonly trouble: WireTrouble;
  readonly stage: Stage;
  readonly replies?: readonly Reply[];
  readonly ended?: boolean;
  readonly farewell?: Reply;
  readonly cause?: unknown;
}

/** The connection broke, or what came over it can't be believed. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly trouble: WireTrouble;
  readonly stage: Stage;
  /** The replies of this flight that were received whole before the trouble, in order. */
  readonly replies: readonly Reply[];
  /** The end of the message had been written, so that the server may have it. */
  readonly ended: boolean;
  /** The 421 that came unasked before this flight: why the server closed. Nothing of the flight was sent then. */
  readonly farewell?: Reply;

  constructor(text: string, facts: WireFacts) {
    super(text, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.trouble = facts.trouble;
    this.stage = facts.stage;
    this.replies = facts.replies ?? [];
    this.ended = facts.ended ?? false;
    if (facts.farewell !== undefined) this.farewell = facts.farewell;
  }
}

/** Waits for the greeting. */
export function* listen(stage: Stage): Dialogue<Reply> {
  return first(yield { kind: 'listen', stage });
}

/** Sends all parts in one flight. */
export function* flight(parts: readonly Part[]): Dialogue<readonly Reply[]> {
  return yield { kind: 'flight', parts };
}

/** Sends one command and waits for its reply. */
export function* ask(line: string, stage: Stage, secretAfter?: string): Dialogue<Reply> {
  const part = { kind: 'command', line, stage, reply: true } as const;
  return first(yield { kind: 'flight', parts: [secretAfter === undefined ? part : { ...part, secretAfter }] });
}

export function* startTls(): Dialogue<void> {
  yield { kind: 'tls' };
}

function first(replies: readonly Reply[]): Reply {
  const reply = replies[0];
  if (reply === undefined) throw new Error('Cannot resume dialogue: no reply was given');
  return reply;
}
