import type { NamedRecipient } from '../config/aliases.ts';
import type { Address } from '../mail/address.ts';
import type { Envelope } from '../mail/envelope.ts';

/** An envelope as a client gave it; a recipient may be one of this host's users. */
export interface SessionEnvelope extends Envelope {
  readonly recipients: readonly NamedRecipient[];
  /** The client said SMTPUTF8: it knows that the header may hold more than ASCII. */
  readonly smtpUtf8?: true;
}

/** What a session asks of whoever carries it, in order. */
export type SessionStep =
  /** Bytes of the client. Answer: `bytes` or `over`. Replies that wait go out before. */
  | { readonly kind: 'read' }
  /** Lines with CRLF for the client. */
  | { readonly kind: 'reply'; readonly text: string }
  /** Whether mail for it is taken. Answer: `verdict`. */
  | { readonly kind: 'verify'; readonly recipient: NamedRecipient; readonly sender: Address | null }
  /** More of the message; the memory is the reader's. */
  | { readonly kind: 'content'; readonly bytes: Buffer }
  /** What came of the message is not wanted. */
  | { readonly kind: 'discard' }
  /** The message is whole. Answer: `verdict`; a positive one makes us liable for it (RFC 5321, section 4.2.5). */
  | { readonly kind: 'submit'; readonly envelope: SessionEnvelope };

/** There are no more bytes. */
export interface Over {
  readonly kind: 'over';
  readonly why: 'end' | 'idle';
}

/** Whether a recipient or a message is taken; `text` is for the client, on one line. */
export type Verdict =
  | { readonly ok: true; readonly text: string }
  /** `permanent`: another try is of no use. `status`: RFC 3463; one that does not fit is replaced. */
  | { readonly ok: false; readonly text: string; readonly permanent?: boolean; readonly status?: string };

export type SessionAnswer =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | Over
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'done' };

export type Dialogue<T> = Generator<SessionStep, T, SessionAnswer>;
