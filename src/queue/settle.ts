import { type ReportKind, wantsReport } from '../bounce/request.ts';
import { span } from '../bounce/span.ts';
import type { PastAttempt, QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import { formatReply, type Reply } from '../mail/reply.ts';
import type { Delivered, DeliveryResult, Failure, Undelivered } from '../mail/result.ts';
import { type QueueEvent, resultEvent } from './event.ts';
import { ageOf, nextAttempt, type Schedule } from './schedule.ts';

/*
 * What one result changes for its recipient. Everything kept is bounded: an entry is read and written whole, often.
 */

/** An entry and the hour at which something is said of it. */
export interface Turn {
  readonly entry: QueueEntry;
  readonly schedule: Schedule;
  readonly now: number;
  readonly random: () => number;
}

/** A recipient after an attempt, with what is to be logged and told of it. */
export interface Step {
  readonly after: QueuedRecipient;
  readonly event: QueueEvent;
  readonly report?: ReportKind;
}

/** The latest attempts that are kept for a recipient: a day and a half of them. */
const MOST_HISTORY = 20;
/** Characters of an old attempt's words; of each line of the last reply; and the lines of that. */
const MOST_WORDS = 300;
const MOST_LINE = 1000;
const MOST_LINES = 20;

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);

const boundedReply = (reply: Reply): Reply => ({
  ...reply,
  lines: reply.lines.slice(0, MOST_LINES).map((line) => cut(line, MOST_LINE)),
});

/** The failure as it is kept: the remote's words verbatim, but not more than a report can use. */
export const boundedFailure = (failure: Failure): Failure => ({
  ...failure,
  text: cut(failure.text, MOST_LINE),
  ...(failure.reply === undefined ? {} : { reply: boundedReply(failure.reply) }),
});

/** What an attempt makes of a pending recipient. */
export function settle(turn: Turn, before: QueuedRecipient, result: DeliveryResult): Step {
  const tried = { ...before, attempts: before.attempts + 1, history: remember(before, result, turn.now) };
  if (result.outcome === 'delivered') return delivered(turn, tried, result);
  const failed = { ...tried, last: boundedFailure(result.failure) };
  if (result.outcome === 'failed') {
    const after: QueuedRecipient = { ...failed, state: 'failed' };
    const event = resultEvent(result, { time: turn.now, id: turn.entry.id, attempts: after.attempts });
    return { after, event, ...told(after, 'failed') };
  }
  return ageOf(turn.entry, turn.now) >= turn.schedule.expire ? expiry(turn, failed) : deferred(turn, failed, result);
}

function delivered(turn: Turn, tried: QueuedRecipient, result: Delivered): Step {
  const after: QueuedRecipient = { ...tried, state: 'delivered' };
  const event = resultEvent(result, { time: turn.now, id: turn.entry.id, attempts: after.attempts });
  // RFC 3461, section 5.2: a server with DSN was asked to tell it, and will.
  if (result.dsn === true) return { after, event };
  return { after, event, ...told(after, result.final === true ? 'delivered' : 'relayed') };
}

function deferred({ entry, schedule, now, random }: Turn, tried: QueuedRecipient, result: Undelivered): Step {
  const { attempts } = tried;
  const next = nextAttempt(schedule, { attempts, queued: entry.queued, now, random });
  const event = resultEvent(result, { time: now, id: entry.id, attempts, nextAttempt: next });
  const isLate = schedule.warn > 0 && ageOf(entry, now) >= schedule.warn && tried.warned !== true;
  const after = { ...tried, nextAttempt: next };
  if (!isLate || !wantsReport(tried.recipient, 'delayed')) return { after, event };
  return { after: { ...after, warned: true }, event, report: 'delayed' };
}

/** The time of a pending recipient is over: it has failed (RFC 3463: 4.4.7), and what was last wrong is kept. */
export function expiry({ entry, now }: Turn, before: QueuedRecipient): Step {
  const after: QueuedRecipient = { ...before, state: 'failed', last: expired(before.last, ageOf(entry, now)) };
  const failure = after.last ?? expired(undefined, 0);
  const event = resultEvent(
    { outcome: 'failed', recipient: before.recipient, failure },
    { event: 'expired', time: now, id: entry.id, attempts: before.attempts },
  );
  return { after, event, ...told(after, 'failed') };
}

/** The status of a recipient that failed because its time was over. */
export const EXPIRED = '4.4.7';

function expired(last: Failure | undefined, age: number): Failure {
  const { text, ...rest } = last ?? { scope: 'recipient', stage: 'connect', text: 'it was never tried' };
  return { ...rest, permanent: true, status: EXPIRED, text: `not delivered in ${span(age)}: ${text}` };
}

const told = ({ recipient }: QueuedRecipient, kind: ReportKind): Pick<Step, 'report'> =>
  wantsReport(recipient, kind) ? { report: kind } : {};

function remember(before: QueuedRecipient, result: DeliveryResult, now: number): readonly PastAttempt[] {
  const { outcome, peer } = result;
  const failure = result.outcome === 'delivered' ? undefined : result.failure;
  const reply = result.outcome === 'delivered' ? result.reply : result.failure.reply;
  const host = failure?.host ?? peer?.host;
  const address = failure?.address ?? peer?.address;
  const past: PastAttempt = {
    at: now,
    outcome,
    status: failure?.status ?? reply?.status ?? '2.0.0',
    ...(host === undefined ? {} : { host }),
    ...(address === undefined ? {} : { address }),
    text: cut(reply === undefined ? (failure?.text ?? '') : formatReply(reply), MOST_WORDS),
  };
  return [...before.history, past].slice(-MOST_HISTORY);
}
