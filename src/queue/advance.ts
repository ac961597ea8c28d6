/*
 * What an attempt changes: the entry before, its results, and the hour give the entry after, the reports that are to be
 * made, the events that are to be logged, and whether the entry has done its duty. Pure, so that a life of five days is
 * a loop in a test.
 *
 *   const { entry, reports, events, done, keep } = advance(before, results, { schedule, now, random });
 *
 * - `delivered`, `failed` and `removed` are final: no result changes them any more.
 * - A deferred recipient whose time is over has failed (4.4.7), with its last reason kept in the failure.
 * - Who is told of what is RFC 3461's table (`wantsReport`); SUCCESS is ours to tell only where the server has no DSN
 *   (`relayed`) or where there is no server behind us (`delivered`).
 * - A message without a sender has no reports. Only a bounce of ours that fails goes to the postmaster, once. Where
 *   a failure is left that nobody can be told of, `keep` says that the entry belongs into `failed/` and not away.
 *
 * The caller, in this order: queue the reports, replace the entry (or remove it, or move it), log the events. A crash in
 * between makes a second report, never none.
 */
import { type ReportKind, type ReportRequest, wantsReport } from '../bounce/request.ts';
import { addressKey } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { DeliveryResult } from '../mail/result.ts';
import type { QueueEvent } from './event.ts';
import { ageOf, type Schedule, type ScheduleOf } from './schedule.ts';
import { expiry, type Step, settle, type Turn } from './settle.ts';

export interface AdvanceOptions {
  /** One for all, or that of each recipient's route. */
  readonly schedule: Schedule | ScheduleOf;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** 0 <= x < 1. Asked once, so that recipients of one attempt stay together. */
  readonly random: () => number;
}

export interface Advanced extends Duty {
  readonly entry: QueueEntry;
  readonly reports: readonly ReportRequest[];
  readonly events: readonly QueueEvent[];
}

/** Whether an entry has done its duty. */
export interface Duty {
  /** No recipient is pending. */
  readonly done: boolean;
  /** It is done, and a failure in it can be told to nobody. */
  readonly keep: boolean;
}

/** The entry after an attempt at some of its recipients. Results for others, or for settled ones, change nothing. */
export function advance(
  entry: QueueEntry,
  results: readonly DeliveryResult[],
  { schedule, now, random }: AdvanceOptions,
): Advanced {
  const chance = random();
  const turn = { entry, now, random: () => chance };
  const resultOf = pairing(entry.recipients, results);
  const steps = entry.recipients.map((before) => {
    const result = resultOf.get(before);
    return result === undefined ? undefined : settle({ ...turn, schedule: each(schedule, before) }, before, result);
  });
  const count = (outcome: string) => [...resultOf.values()].filter((result) => result.outcome === outcome).length;
  const counts = { delivered: count('delivered'), deferred: count('deferred'), failed: count('failed') };
  const attempt: QueueEvent = { event: 'attempt', time: now, id: entry.id, ...counts };
  return finish(turn, steps, resultOf.size > 0 ? [attempt] : []);
}

/** The entry after its time was looked at without an attempt: pending recipients whose time is over have failed. */
export function expire(entry: QueueEntry, { schedule, now, random }: AdvanceOptions): Advanced {
  const turn = { entry, now, random };
  const steps = entry.recipients.map((before) => {
    const own = each(schedule, before);
    const isOver = ageOf(entry, now) >= own.expire;
    return isOver && before.state === 'pending' ? expiry({ ...turn, schedule: own }, before) : undefined;
  });
  return finish(turn, steps, []);
}

const each = (schedule: Schedule | ScheduleOf, { recipient }: QueuedRecipient): Schedule =>
  typeof schedule === 'function' ? schedule(recipient) : schedule;

function finish(
  { entry, now }: Omit<Turn, 'schedule'>,
  steps: readonly (Step | undefined)[],
  events: readonly QueueEvent[],
): Advanced {
  const recipients = entry.recipients.map((before, index) => steps[index]?.after ?? before);
  // A message can't have been queued in the future: its clock begins anew, so that it still expires.
  const after: QueueEntry = { ...entry, queued: Math.min(entry.queued, now), recipients };
  const taken = steps.filter((step) => step !== undefined);
  return {
    entry: after,
    reports: requests(entry, taken),
    events: [...events, ...taken.map((step) => step.event)],
    ...dutyOf(after),
  };
}

export function dutyOf(entry: QueueEntry): Duty {
  const { recipients } = entry;
  const done = recipients.every((recipient) => recipient.state !== 'pending');
  return { done, keep: done && reader(entry) === 'nobody' && isLoss(entry) && recipients.some(isUntold) };
}

/** Who reads a report of failure. */
function reader(entry: QueueEntry): 'sender' | 'postmaster' | 'nobody' {
  const { envelope, report } = entry;
  if (envelope.sender !== null) return 'sender';
  return report?.passed === 0 && isLoss(entry) ? 'postmaster' : 'nobody';
}

/** Whether something is lost with it; a warning or a confirmation that does not arrive is no loss. */
const isLoss = ({ report }: QueueEntry): boolean =>
  report === undefined || report.kind === 'failed' || report.kind === 'digest';

const isUntold = ({ state, recipient }: QueuedRecipient): boolean =>
  state === 'failed' && wantsReport(recipient, 'failed');

function requests(entry: QueueEntry, steps: readonly Step[]): readonly ReportRequest[] {
  const to = reader(entry);
  if (to === 'nobody') return [];
  const kinds: readonly ReportKind[] = to === 'sender' ? ['failed', 'delayed', 'relayed', 'delivered'] : ['failed'];
  return kinds
    .map((kind) => ({ kind, to, recipients: steps.filter((step) => step.report === kind).map((step) => step.after) }))
    .filter((request) => request.recipients.length > 0);
}

/** The pending recipient of each result: the same object, else the first of its address that has no result yet. */
function pairing(
  recipients: readonly QueuedRecipient[],
  results: readonly DeliveryResult[],
): ReadonlyMap<QueuedRecipient, DeliveryResult> {
  const pending = recipients.filter((recipient) => recipient.state === 'pending');
  const same = new Map(pending.map((one) => [one.recipient, one]));
  const alike = new Map<string, QueuedRecipient[]>();
  for (const one of pending) {
    const key = keyOf(one.recipient);
    const others = alike.get(key);
    if (others === undefined) alike.set(key, [one]);
    else others.push(one);
  }
  const pairs = new Map<QueuedRecipient, DeliveryResult>();
  for (const result of results) {
    const exact = same.get(result.recipient);
    const found =
      exact !== undefined && !pairs.has(exact)
        ? exact
        : alike.get(keyOf(result.recipient))?.find((one) => !pairs.has(one));
    if (found !== undefined) pairs.set(found, result);
  }
  return pairs;
}

const keyOf = ({ address, original }: Recipient): string => `${addressKey(address)}\n${original ?? ''}`;
