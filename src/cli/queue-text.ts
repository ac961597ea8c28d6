import { formatAddress } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import { escapeControls } from '../mail/printable.ts';
import { formatReply } from '../mail/reply.ts';
import type { Failure } from '../mail/result.ts';
import { formatSender } from './output.ts';
import { formatOctets } from './progress.ts';

/* What a person reads of the queue. Whatever a remote or a sender said is escaped and bounded; colours are ours. */

/** Paints text; the plain one gives it back as it is. */
export interface Paint {
  strong(text: string): string;
  dim(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

const sgr =
  (code: string) =>
  (text: string): string =>
    `\x1b[${code}m${text}\x1b[0m`;
const same = (text: string): string => text;

export const COLOURS: Paint = { strong: sgr('1'), dim: sgr('2'), warn: sgr('33'), bad: sgr('31') };
export const PLAIN: Paint = { strong: same, dim: same, warn: same, bad: same };

/** Characters of one text. */
const MOST = 500;

const safe = (text: string): string => escapeControls(text.length > MOST ? `${text.slice(0, MOST)}…` : text);

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** A time for a person, rounded down: `45 s`, `12 min`, `3 h`, `5 d`. */
export function formatSpan(milliseconds: number): string {
  const found = UNITS.find(([, size]) => milliseconds >= size);
  if (found === undefined) return `${Math.max(0, Math.floor(milliseconds / 1000))} s`;
  return `${Math.floor(milliseconds / found[1])} ${found[0]}`;
}

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

export interface Listing {
  readonly now: number;
  readonly paint: Paint;
  /** Who looks; whose a message of somebody else is, is told. */
  readonly self: number;
}

/** One message and its recipients, as lines. */
export function entryLines(entry: QueueEntry, { now, paint, self }: Listing): readonly string[] {
  const { id, queued, held, report, envelope, message } = entry;
  const first = [
    paint.strong(id),
    formatOctets(message.facts.size).padStart(7),
    formatSpan(now - queued).padStart(6),
    safe(formatSender(envelope)) || '<>',
    ...(entry.uid === self ? [] : [`(user ${entry.uid})`]),
    ...(held === true ? [paint.warn('held')] : []),
    ...(report === undefined ? [] : [paint.dim(`(our report: ${report.kind})`)]),
  ].join('  ');
  return [first, ...entry.recipients.flatMap((each) => recipientLines(each, now, paint))];
}

function recipientLines(queued: QueuedRecipient, now: number, paint: Paint): readonly string[] {
  const { recipient, last } = queued;
  return [
    `    ${safe(formatAddress(recipient.address))}  ${stateText(queued, now, paint)}`,
    ...(last === undefined || queued.state === 'delivered' ? [] : [`        ${paint.dim(failureText(last))}`]),
  ];
}

export function stateText({ state, attempts, nextAttempt }: QueuedRecipient, now: number, paint: Paint): string {
  switch (state) {
    case 'pending': {
      const when = nextAttempt <= now ? 'due now' : `next attempt in ${formatSpan(nextAttempt - now)}`;
      return attempts === 0 ? `waiting, ${when}` : paint.warn(`deferred, ${plural(attempts, 'attempt')}, ${when}`);
    }
    case 'failed':
      return paint.bad('failed');
    case 'delivered':
    case 'removed':
      return state;
  }
}

/** `host[address]: our words: the remote's (status)`. */
export function failureText({ host, address, text, reply, status }: Failure): string {
  const place = host === undefined || host === address ? address : address === undefined ? host : `${host}[${address}]`;
  const parts = [place, text, reply === undefined ? undefined : formatReply(reply)];
  return `${safe(parts.filter((part) => part !== undefined).join(': '))} (${status})`;
}
