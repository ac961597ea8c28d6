import { formatAddress } from '../mail/address.ts';
import type { PastAttempt, QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import { isoTime } from './json.ts';
import { formatSender } from './output.ts';

/*
 * The objects of `posthaste queue … --json`, described in posthaste(1) under JSON: one line for each message. Members have
 * the names and meanings that they have in the result of a send, and are only ever added while `version` is 1.
 */

export interface QueuedJson {
  readonly version: 1;
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly queued: string;
  /** Octets on the wire. */
  readonly size: number;
  /** Empty for nobody. */
  readonly sender: string;
  /** Whose it is: the user id that submitted it. */
  readonly uid: number;
  readonly messageId?: string;
  readonly held?: true;
  /** It is a report of ours. */
  readonly report?: string;
  readonly recipients: readonly QueuedRecipientJson[];
}

export interface QueuedRecipientJson {
  readonly recipient: string;
  readonly state: QueuedRecipient['state'];
  readonly attempts: number;
  readonly nextAttempt?: string;
  readonly status?: string;
  readonly code?: number;
  readonly text?: string;
  readonly error?: string;
  readonly stage?: string;
  readonly host?: string;
  readonly address?: string;
}

export function queuedJson(entry: QueueEntry): QueuedJson {
  const { messageId, facts } = entry.message;
  return {
    version: 1,
    id: entry.id,
    queued: isoTime(entry.queued),
    size: facts.size,
    sender: formatSender(entry.envelope),
    uid: entry.uid,
    ...(messageId === undefined ? {} : { messageId }),
    ...(entry.held === true ? { held: true } : {}),
    ...(entry.report === undefined ? {} : { report: entry.report.kind }),
    recipients: entry.recipients.map(recipientJson),
  };
}

function recipientJson({ recipient, state, attempts, nextAttempt, last }: QueuedRecipient): QueuedRecipientJson {
  return {
    recipient: formatAddress(recipient.address),
    state,
    attempts,
    ...(state === 'pending' ? { nextAttempt: isoTime(nextAttempt) } : {}),
    ...(last === undefined
      ? {}
      : {
          status: last.status,
          ...(last.reply === undefined ? {} : { code: last.reply.code, text: last.reply.lines.join('\n') }),
          error: last.text,
          stage: last.stage,
          ...(last.host === undefined ? {} : { host: last.host }),
          ...(last.address === undefined ? {} : { address: last.address }),
        }),
  };
}

export type PastAttemptJson = Omit<PastAttempt, 'at'> & { readonly time: string };

/** The attempts at each recipient that are still known, oldest first. */
export const historyOf = (entry: QueueEntry): readonly { recipient: string; history: readonly PastAttemptJson[] }[] =>
  entry.recipients.map(({ recipient, history }) => ({
    recipient: formatAddress(recipient.address),
    history: history.map(({ at, ...rest }) => ({ time: isoTime(at), ...rest })),
  }));
