import type { Recipient } from './envelope.ts';
import type { Reply } from './reply.ts';

/** Where in an attempt something went wrong, in the order of an attempt. */
export type Stage =
  | 'resolve'
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'tls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'dot'
  | 'rset'
  | 'quit';

/** What went wrong, for whom, and for how long. */
export interface Failure {
  /** Who is hit: only this recipient, the whole message, this host (another may do better), or the whole destination. */
  readonly scope: 'recipient' | 'message' | 'host' | 'destination';
  readonly permanent: boolean;
  readonly stage: Stage;
  /** RFC 3463, such as `4.4.2`. Never empty. */
  readonly status: string;
  /** One line in our own words; where `reply` is there, the remote's words are in it and not repeated here. */
  readonly text: string;
  readonly reply?: Reply;
  readonly host?: string;
  readonly address?: string;
  /** The reply to the final dot was lost: the message may have been delivered (RFC 1047). */
  readonly uncertain?: boolean;
  /** What a person can do about it, one sentence. */
  readonly advice?: string;
}

/** What is known of an encrypted connection. */
export interface TlsFacts {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly version: string;
  readonly cipher: string;
  /** True only where the policy asked for a check and it passed, or where the check passed by itself. */
  readonly verified: boolean;
  /** What of the destination's own asked for the check: TLSA records (RFC 7672), or its policy (RFC 8461). */
  readonly policy?: 'dane' | 'mta-sts';
  /** Why `verified` is false, where known. */
  readonly reason?: string;
  readonly subject?: string;
  readonly issuer?: string;
  /** ISO 8601. */
  readonly notAfter?: string;
  /** SHA-256 of the certificate (DER), lower-case hex pairs with colons. */
  readonly fingerprint?: string;
}

/** In how far we know who the server is, for people: `verified (DANE)`. */
export function trustText({ verified, policy }: Pick<TlsFacts, 'verified' | 'policy'>): string {
  if (!verified) return 'not verified';
  return policy === undefined ? 'verified' : `verified (${policy === 'dane' ? 'DANE' : 'MTA-STS'})`;
}

/** Where an outcome was decided. */
export interface Peer {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly tls?: TlsFacts;
}

export interface Delivered {
  readonly outcome: 'delivered';
  readonly recipient: Recipient;
  readonly reply: Reply;
  readonly peer: Peer;
  /** The server offered DSN and so tells the sender itself what was asked for (RFC 3461, section 5.2.1). */
  readonly dsn?: boolean;
  /** It is in the mailbox: the server spoke LMTP (RFC 2033), or it was delivered here. */
  readonly final?: true;
}

export interface Undelivered {
  readonly outcome: 'deferred' | 'failed';
  readonly recipient: Recipient;
  readonly failure: Failure;
  readonly peer?: Peer;
}

/** What became of one recipient. */
export type DeliveryResult = Delivered | Undelivered;
