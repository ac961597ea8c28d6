import { matches } from '../config/glob.ts';
import type { Address } from '../mail/address.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Rule } from './table.ts';

export interface RouteQuestion {
  readonly recipient: Recipient;
  readonly sender: Address | null;
  /** The address in From, where it is known. */
  readonly author?: Address | undefined;
  readonly uid: number;
}

/** By what a rule is for somebody: the patterns that matched, of those that it has. None at all: it is for everybody. */
export interface Match {
  readonly local?: true;
  readonly recipient?: string;
  readonly sender?: string;
  /** It was the address in From that matched `sender`. */
  readonly byAuthor?: true;
  readonly uid?: number;
}

/** Why the rule is for a recipient; undefined where it is not. */
export function matchOf(rule: Rule, { recipient, sender, author, uid }: RouteQuestion): Match | undefined {
  if (rule.local === true && recipient.local !== true) return undefined;
  const whom = rule.recipients.find((glob) => matches(glob, recipient.address));
  if (whom === undefined && rule.recipients.length > 0) return undefined;
  const envelope = rule.senders.find((glob) => matches(glob, sender));
  const isAsked = envelope === undefined && rule.byAuthor === true && author !== undefined;
  const from = isAsked ? rule.senders.find((glob) => matches(glob, author)) : envelope;
  if (from === undefined && rule.senders.length > 0) return undefined;
  if (rule.uids.length > 0 && !rule.uids.includes(uid)) return undefined;
  return {
    ...(rule.local === true ? { local: true } : {}),
    ...(whom === undefined ? {} : { recipient: whom }),
    ...(from === undefined ? {} : { sender: from, ...(isAsked ? { byAuthor: true as const } : {}) }),
    ...(rule.uids.length > 0 ? { uid } : {}),
  };
}
