import type { ReportRequest } from '../bounce/request.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { DeliveryResult } from '../mail/result.ts';
import { type Advanced, advance, dutyOf } from './advance.ts';
import type { Claim } from './claim.ts';
import type { QueueEvent } from './event.ts';
import type { Reporting } from './run-reports.ts';
import type { ScheduleOf } from './schedule.ts';
import type { Spool } from './spool.ts';

/*
 * What becomes of one claimed entry while several destinations are delivered to at the same time: each settled result
 * is on disk before its promise resolves, one write at a time, and the entry goes when its last one is.
 *
 * Reports are queued before the recipients they are about are dropped: a crash may make a second one, never none. So that
 * a sender gets one report for all of a run, failures wait for the run's last result: until then the entry on disk
 * holds what happened to those recipients, but has them pending still.
 */
export interface RecordOptions {
  readonly spool: Pick<Spool, 'replace' | 'remove' | 'fail'>;
  readonly claim: Claim;
  readonly entry: QueueEntry;
  readonly schedule: ScheduleOf;
  /** How many recipients this run will give a result. */
  readonly expected: number;
  now(): number;
  random(): number;
  /** Puts the reports into the queue, durably. */
  tell: Reporting['tell'];
  /** Is told of the entry, and the results that it holds now, when it is on disk. */
  onBooked(entry: QueueEntry, results: readonly DeliveryResult[]): void;
  /** Never throws. */
  log(event: QueueEvent): void;
}

export interface EntryRecord {
  /**
   * Books results. Resolves with the entry when they are on disk; rejects where they can't be brought there.
   * With `until`, who was deferred is tried again a little after that time, whatever the schedule says.
   */
  settle(results: readonly DeliveryResult[], until?: number): Promise<QueueEntry>;
  /** So many recipients get no result in this run after all. */
  leave(count: number): Promise<void>;
  /** Writes again what could not be written; does nothing where all is on disk. */
  save(): Promise<void>;
}

export function openRecord(options: RecordOptions): EntryRecord {
  const { spool, claim, schedule, log } = options;
  let entry = options.entry;
  let expected = options.expected;
  let waiting: readonly ReportRequest[] = [];
  let writes: Promise<unknown> = Promise.resolve();
  let isSaved = true;
  /** What is to be told when the next write has succeeded. */
  const results: DeliveryResult[] = [];
  const events: QueueEvent[] = [];
  let isUntold = false;

  function book(results: readonly DeliveryResult[], until: number | undefined): Advanced {
    const now = options.now();
    const random = (): number => options.random();
    const advanced = advance(entry, results, { schedule, now, random });
    if (until === undefined) return advanced;
    const at = Math.round(until + (until - now) * AFTER_PROBE * random());
    const events = advanced.events.map((event) => ('nextAttempt' in event ? { ...event, nextAttempt: at } : event));
    return { ...advanced, events, entry: postponed(entry, advanced.entry, at) };
  }

  async function tell(requests: readonly ReportRequest[]): Promise<void> {
    if (requests.length === 0) return;
    const ends = requests.flatMap(({ recipients }) => recipients.map(({ recipient }) => schedule(recipient).expire));
    const told = await options.tell(requests, { entry, retryUntil: entry.queued + Math.max(...ends) });
    waiting = waiting.filter((request) => !requests.includes(request));
    isUntold ||= told.isUntold;
    events.push(...told.events);
  }

  async function write(): Promise<void> {
    isSaved = false;
    await tell(expected > 0 ? waiting.filter(isLasting) : waiting);
    const { done, ...duty } = dutyOf(entry);
    const keep = duty.keep || isUntold;
    if (expected > 0 || !done) await spool.replace(claim, withoutReported(options.entry, entry, waiting));
    else if (keep) await spool.fail(claim, entry);
    else await spool.remove(claim);
    isSaved = true;
    options.onBooked(entry, results.splice(0));
    events.splice(0).forEach(log);
    if (expected > 0 || !done) return;
    const about = { time: options.now(), id: entry.id };
    log(keep ? { event: 'kept', ...about, reason: 'there is nobody to tell' } : { event: 'done', ...about });
  }

  /** One after the other; a write that failed does not stop those behind it, which hold its results as well. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = writes.then(work, work);
    writes = mine;
    return mine;
  }

  return {
    settle: (given, until) =>
      inTurn(async () => {
        const advanced = book(given, until);
        entry = advanced.entry;
        expected -= given.length;
        results.push(...given);
        events.push(...advanced.events);
        waiting = merged([...waiting, ...advanced.reports]);
        await write();
        return entry;
      }),
    leave: (count) =>
      inTurn(async () => {
        expected -= count;
        if (count > 0 && expected === 0 && waiting.length > 0) await write();
      }),
    save: () => inTurn(async () => (isSaved ? undefined : write())),
  };
}

/** How much later than the probe the others of its destination come, at most: a part of the pause. */
const AFTER_PROBE = 0.1;

/** With the recipients that were deferred just now due at that time. */
const postponed = (before: QueueEntry, after: QueueEntry, at: number): QueueEntry => ({
  ...after,
  recipients: after.recipients.map((recipient, index) =>
    recipient !== before.recipients[index] && recipient.state === 'pending'
      ? { ...recipient, nextAttempt: at }
      : recipient,
  ),
});

/** Success can't wait: a recipient that has it must not be pending on disk. */
const isLasting = ({ kind }: ReportRequest): boolean => kind === 'delivered' || kind === 'relayed';

/** One request for all recipients of one kind. */
function merged(requests: readonly ReportRequest[]): readonly ReportRequest[] {
  const groups = new Map<string, ReportRequest>();
  for (const request of requests) {
    const key = `${request.kind} ${request.to}`;
    const before = groups.get(key);
    groups.set(key, { ...request, recipients: [...(before?.recipients ?? []), ...request.recipients] });
  }
  return [...groups.values()];
}

/** The entry with what the reports that were not made yet are about taken back: who reads it makes them again. */
function withoutReported(first: QueueEntry, entry: QueueEntry, waiting: readonly ReportRequest[]): QueueEntry {
  const unreported = new Set(waiting.flatMap((request) => request.recipients.map(({ recipient }) => recipient)));
  if (unreported.size === 0) return entry;
  const recipients = entry.recipients.map((recipient, index): QueuedRecipient => {
    if (!unreported.has(recipient.recipient)) return recipient;
    const { warned: _, ...rest } = recipient;
    const before = first.recipients[index];
    return { ...rest, state: 'pending', ...(before?.warned === true ? { warned: true } : {}) };
  });
  return { ...entry, recipients };
}
