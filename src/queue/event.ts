/*
 * What happens to what is queued, as values: whoever makes a thing happen makes its event, and the log writes it as one
 * line of JSON (`eventLine`). Members have the names they have in `--json`. Remote words are bounded, and controls in
 * them are escaped, so that a line stays a line and a terminal obeys nothing in it.
 */
import { formatAddress } from '../mail/address.ts';
import { formatReply } from '../mail/reply.ts';
import type { DeliveryResult } from '../mail/result.ts';

interface Base {
  /** Milliseconds since 1970; ISO 8601 in the line. */
  readonly time: number;
  /** The entry's. */
  readonly id: string;
}

/** What became of one recipient in one attempt, or without one. */
export interface RecipientEvent extends Base {
  /** `failed` is for good; `expired` is failed because the time was over. */
  readonly event: 'delivered' | 'deferred' | 'failed' | 'expired';
  readonly recipient: string;
  readonly status: string;
  /** The reply's code, and its text or ours. */
  readonly code?: number;
  readonly text: string;
  readonly host?: string;
  readonly address?: string;
  readonly attempts: number;
  /** Milliseconds since 1970; ISO 8601 in the line. */
  readonly nextAttempt?: number;
  /** It may have been delivered all the same: the next attempt may deliver it twice. */
  readonly uncertain?: true;
}

export type QueueEvent =
  | RecipientEvent
  | (Base & {
      readonly event: 'accepted';
      /** Empty for the null sender, as everywhere. */
      readonly sender: string;
      readonly recipients: readonly string[];
      /** Octets. */
      readonly size: number;
      readonly messageId?: string;
      readonly uid: number;
    })
  | (Base & {
      readonly event: 'attempt';
      readonly delivered: number;
      readonly deferred: number;
      readonly failed: number;
      /** How long the attempt took, where that is known. */
      readonly milliseconds?: number;
    })
  | (Base & {
      /** A report was queued: of failure, of delay, of success; `counted` instead by the storm guard. */
      readonly event: 'bounced' | 'warned' | 'reported' | 'counted';
      readonly to: string;
      readonly recipients: readonly string[];
      /** The id of the report's own entry. */
      readonly report?: string;
    })
  /** It is in `failed/`: there is nobody to tell. */
  | (Base & { readonly event: 'kept'; readonly reason: string })
  /** The entry is gone: all its recipients are settled. */
  | (Base & { readonly event: 'done' })
  | (Base & {
      readonly event: 'removed' | 'held' | 'released' | 'retried';
      /** Absent: the whole entry. */
      readonly recipients?: readonly string[];
    })
  | (Base & { readonly event: 'damaged'; readonly reason: string })
  /** Files of the drop, the first of which has this name, that were not taken in; `waiting`: they stay there. */
  | (Base & {
      readonly event: 'refused' | 'waiting';
      readonly uid: number;
      readonly files: number;
      readonly reason: string;
    });

/** Characters of a remote's words in one line. */
const MOST_WORDS = 500;

const cut = (text: string): string => (text.length > MOST_WORDS ? `${text.slice(0, MOST_WORDS)}…` : text);

/** The event of one result; what only the caller knows is in `rest`. */
export function resultEvent(
  result: DeliveryResult,
  rest: Base & Pick<RecipientEvent, 'attempts' | 'nextAttempt'> & { readonly event?: 'expired' },
): RecipientEvent {
  const { recipient, outcome, peer } = result;
  const failure = result.outcome === 'delivered' ? undefined : result.failure;
  const reply = result.outcome === 'delivered' ? result.reply : result.failure.reply;
  const host = failure?.host ?? peer?.host;
  const address = failure?.address ?? peer?.address;
  const words = reply === undefined ? (failure?.text ?? '') : formatReply(reply).slice(String(reply.code).length + 1);
  return {
    event: outcome,
    ...rest,
    recipient: formatAddress(recipient.address),
    status: failure?.status ?? reply?.status ?? '2.0.0',
    ...(reply === undefined ? {} : { code: reply.code }),
    text: cut(words),
    ...(host === undefined ? {} : { host }),
    ...(address === undefined ? {} : { address }),
    ...(failure?.uncertain === true ? { uncertain: true } : {}),
  };
}

/** One line of JSON with its line end. No control character, C1 and bidirectional ones included, is in it. */
export function eventLine({ time, event, id, ...rest }: QueueEvent): string {
  const next = 'nextAttempt' in rest && rest.nextAttempt !== undefined ? { nextAttempt: iso(rest.nextAttempt) } : {};
  const text = JSON.stringify({ time: iso(time), event, id, ...rest, ...next });
  return `${text.replace(/[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, asEscape)}\n`;
}

const asEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A time beyond what a Date can hold is told as it is, so that no clock stops the log. */
const iso = (time: number): string => (Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time));
