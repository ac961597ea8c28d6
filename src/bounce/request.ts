import type { QueuedRecipient } from '../mail/entry.ts';
import type { Recipient } from '../mail/envelope.ts';

/** What a report says of its recipients: the actions of RFC 3464, section 2.3.3, that are ours. */
export type ReportKind = 'failed' | 'delayed' | 'relayed' | 'delivered';

/** A report to be made: all recipients of one kind that one attempt settled. */
export interface ReportRequest {
  readonly kind: ReportKind;
  /** As they are after the attempt: their last failure and history say what happened. At least one. */
  readonly recipients: readonly QueuedRecipient[];
  /** The envelope's sender; or, once, the postmaster for a bounce that could not be delivered. */
  readonly to: 'sender' | 'postmaster';
}

/** What has to be asked for (RFC 3461, section 4.1) so that a report of the kind is made. */
const CONDITION = { failed: 'failure', delayed: 'delay', relayed: 'success', delivered: 'success' } as const;

/** Where nothing was asked for, failures and delays are told of: the two that one would not notice otherwise. */
const UNASKED: readonly string[] = ['failure', 'delay'];

/** Whether the recipient's NOTIFY wants a report of that kind. */
export function wantsReport({ notify }: Recipient, kind: ReportKind): boolean {
  if (notify === 'never') return false;
  const conditions: readonly string[] = notify ?? UNASKED;
  return conditions.includes(CONDITION[kind]);
}
