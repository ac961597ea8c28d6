import type { Address } from './address.ts';
import type { Envelope, Recipient } from './envelope.ts';
import type { DeliveryResult, Failure } from './result.ts';

/** The version of the entry's form; a file with another one is left alone. */
export const ENTRY_VERSION = 1;

/** One attempt at one recipient, kept for the bounce and for whoever looks; the remote's words are in `failure`. */
export interface PastAttempt {
  /** Milliseconds since 1970, as all times here. */
  readonly at: number;
  readonly outcome: DeliveryResult['outcome'];
  readonly status: string;
  readonly host?: string;
  readonly address?: string;
  /** The reply on one line, or our own words. */
  readonly text: string;
}

export interface QueuedRecipient {
  readonly recipient: Recipient;
  /** `pending` is tried again; the others are not, and stay only until the whole entry is done. */
  readonly state: 'pending' | 'delivered' | 'failed' | 'removed';
  readonly attempts: number;
  readonly nextAttempt: number;
  /** The last failure. */
  readonly last?: Failure;
  /** The latest attempts, oldest first, at most 20. */
  readonly history: readonly PastAttempt[];
  /** The sender was told of the delay. */
  readonly warned?: true;
}

/** How the message is to go, as far as it was said on the command line; no secret is ever in it. */
export interface Way {
  /** Absolute path of the configuration file. */
  readonly config?: string;
  /** The name of a relay in the configuration. */
  readonly account?: string;
  /** What POSTHASTE_FROM and POSTHASTE_HOSTNAME said. */
  readonly from?: string;
  readonly hostname?: string;
  /** The sender was named by the caller. */
  readonly named?: true;
  /** The address in From. */
  readonly author?: Address;
  /** The relay's URL; its user, never a password. */
  readonly relay?: string;
  readonly auth?: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  readonly port?: number;
  readonly tls?: {
    readonly level?: 'none' | 'may' | 'encrypt' | 'verify';
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly fingerprints?: readonly string[];
  };
}

/** One message in the queue (`entry/<id>.json`): replaced as a whole, never changed in place. */
export interface QueueEntry {
  readonly version: typeof ENTRY_VERSION;
  readonly id: string;
  readonly queued: number;
  readonly envelope: Omit<Envelope, 'recipients'>;
  /** The message file: its octets, those of its header with the blank line, and what `Message.facts` says. */
  readonly message: {
    readonly headerSize: number;
    /** SHA-256 of the file, hex. */
    readonly digest: string;
    readonly messageId?: string;
    readonly facts: {
      readonly size: number;
      readonly eightBitHeader: boolean;
      readonly eightBitBody: boolean;
      readonly longestLine: number;
      readonly nul: boolean;
    };
  };
  readonly way: Way;
  /** The uid that handed it in. */
  readonly uid: number;
  readonly recipients: readonly QueuedRecipient[];
  /** Nobody tries it until it is released. */
  readonly held?: true;
  /** It is a report of ours, and how often it was passed on already: a bounce is never bounced. */
  readonly report?: { readonly kind: 'failed' | 'delayed' | 'delivered' | 'digest'; readonly passed: number };
}
