/*
 * One entry's turn: claimed, read, delivered to all destinations of its due recipients at the same time, booked. It never
 * rejects for what happens to mail; it does where results can't be brought to the disk, since going on would deliver
 * the same again and again.
 */
import { type DeliverOptions, deliver, type Reach } from '../delivery/deliver.ts';
import type { SessionPool } from '../delivery/pool.ts';
import type { Ending } from '../mail/ending.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { Envelope } from '../mail/envelope.ts';
import type { DeliveryResult, Failure } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import type { World } from '../world.ts';
import type { QueueEvent } from './event.ts';
import type { Gate } from './run-gate.ts';
import { type FindMeans, type Group, groupsOf, isFailure, type Means, pendingOf, schedulesOf } from './run-means.ts';
import { type EntryRecord, openRecord } from './run-record.ts';
import type { Reporting } from './run-reports.ts';
import { isDecided, softened } from './run-results.ts';
import type { Traffic } from './run-traffic.ts';
import { dueAt, preferredAddress } from './schedule.ts';
import type { EntryClaim, Spool } from './spool.ts';
import { DamageError, SpoolError } from './spool-error.ts';

export interface Work {
  readonly spool: Spool;
  readonly world: Pick<World, 'now' | 'random' | 'sleep'>;
  readonly findMeans: FindMeans;
  readonly traffic: Traffic;
  readonly gate: Gate;
  readonly pool: SessionPool;
  readonly reach: Reach;
  /** Breaks deliveries that are under way. */
  readonly signal: Ending;
  /** Recipients are tried whether they are due or not. */
  readonly all: boolean;
  readonly isWanted: (entry: QueueEntry) => boolean;
  readonly reporting: Reporting;
  readonly log: (event: QueueEvent) => void;
  /** Is told of each result after it was booked. */
  readonly onResult: (result: DeliveryResult) => void;
}

/** `busy`: somebody else has it, or it is gone. */
export type Worked =
  | 'busy'
  | {
      /** No recipient is pending any more. */
      readonly isGone: boolean;
      /** When it is due next; undefined: never, as long as it is held. */
      readonly next: number | undefined;
    };

export async function workEntry(id: string, work: Work): Promise<Worked> {
  const claim = await work.spool.claim(id);
  if (claim === undefined) return 'busy';
  let isSafe = false;
  try {
    const worked = await workClaimed(claim, work);
    isSafe = true;
    return worked;
  } finally {
    // What could not be booked stays ours until this process ends: another runner would deliver it again.
    if (isSafe) await claim.release();
  }
}

async function workClaimed(claim: EntryClaim, work: Work): Promise<Worked> {
  const { entry } = claim;
  const means = await work.findMeans(entry.way);
  const schedule = schedulesOf(entry, means);
  const timeOf = (queued: QueuedRecipient): number => dueAt(queued, schedule(queued.recipient), now);
  const now = work.world.now();
  const due = (work.isWanted(entry) ? pendingOf(entry) : []).filter(
    (recipient) => work.all || timeOf(recipient) <= now,
  );
  let latest = entry;
  const record = openRecord({
    spool: work.spool,
    claim,
    entry,
    schedule,
    expected: due.length,
    now: () => work.world.now(),
    random: () => work.world.random(),
    tell: (requests, about) => work.reporting.tell(requests, about),
    log: work.log,
    onBooked(booked, results) {
      latest = booked;
      results.forEach(work.onResult);
    },
  });
  if (due.length > 0) await saved(record, work, () => tryAll({ entry, due, claim, record, means }, work));
  const isGone = latest.recipients.every((recipient) => recipient.state !== 'pending');
  return { isGone, next: earliest(latest, timeOf) };
}

function earliest(entry: QueueEntry, at: (recipient: QueuedRecipient) => number): number | undefined {
  const times = pendingOf(entry).map(at);
  return times.length === 0 ? undefined : Math.min(...times);
}

interface Turn {
  readonly entry: QueueEntry;
  readonly due: readonly QueuedRecipient[];
  readonly claim: EntryClaim;
  readonly record: EntryRecord;
  readonly means: Means | Failure;
}

/** What a write fails for is often over in a moment; and results in memory alone are worth some moments. */
const PAUSES = [100, 1000, 5000];

async function saved(record: EntryRecord, work: Work, run: () => Promise<void>): Promise<void> {
  let trouble: unknown;
  await run().catch((error: unknown) => {
    trouble = error;
  });
  if (trouble !== undefined && !(trouble instanceof SpoolError)) throw trouble;
  for (const pause of PAUSES) {
    try {
      return await record.save();
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      await work.world.sleep(pause);
    }
  }
  await record.save();
}

async function tryAll(turn: Turn, work: Work): Promise<void> {
  const { entry, due, claim, record, means } = turn;
  const failAll = async (failure: Failure): Promise<void> => {
    const results = due.map(({ recipient }) => ({ outcome: 'deferred', recipient, failure }) as const);
    await record.settle(results);
  };
  if (isFailure(means)) return failAll(means);
  let message: Message;
  try {
    message = await work.spool.message(entry);
  } catch (error) {
    if (error instanceof DamageError) return work.spool.setAside(claim, error.message);
    if (error instanceof SpoolError) return failAll({ ...UNREADABLE, text: error.message });
    throw error;
  }
  try {
    const groups = groupsOf(
      due.map(({ recipient }) => recipient),
      entry,
      means,
    );
    const { recipients } = entry;
    const envelope = { ...entry.envelope, recipients: recipients.map(({ recipient }) => recipient) };
    await inParallel(groups, means.settings.limits.destinations, (group) =>
      tryGroup({ ...turn, means, group, message, envelope }, work),
    );
  } finally {
    message.body.close?.();
  }
}

const UNREADABLE: Omit<Failure, 'text'> = { scope: 'message', permanent: false, stage: 'body', status: '4.3.0' };

interface GroupTurn extends Turn {
  readonly means: Means;
  readonly group: Group;
  readonly message: Message;
  readonly envelope: Envelope;
}

async function tryGroup(turn: GroupTurn, work: Work): Promise<void> {
  const { record, means, group, message, envelope, due } = turn;
  const { lane, recipients } = group;
  const { traffic, gate } = work;
  const isDown = async (): Promise<boolean> => {
    const down = traffic.down(lane, work.world.now());
    if (down === undefined) return false;
    const results = recipients.map((recipient) => ({ outcome: 'deferred', recipient, failure: down.failure }) as const);
    await record.settle(results, down.until);
    return true;
  };
  if (await isDown()) return;
  if (!(await gate.enter(lane))) return record.leave(recipients.length);
  let missing = recipients.length;
  try {
    if (await isDown()) {
      missing = 0;
      return;
    }
    const onSettled = async (given: readonly DeliveryResult[]): Promise<void> => {
      missing -= given.length;
      const results = given.filter((result) => isDecided(result, work.signal)).map(softened);
      if (results.length < given.length) await record.leave(given.length - results.length);
      if (results.length === 0) return;
      const next = await record.settle(results);
      if (envelope.requireTls !== true) traffic.learn(lane, results, dueAgain(next, results) ?? work.world.now());
    };
    const { world, settings, table, open } = means;
    const submitter = means.submitterOf(turn.entry);
    const prefer = preferenceOf(due, recipients);
    const { pool, signal, reach } = work;
    await deliver({ settings, table, open, submitter, message, envelope }, recipients, {
      world,
      pool,
      reach,
      signal,
      onSettled,
      ...prefer,
    });
  } finally {
    gate.leave(lane);
    if (missing > 0) await record.leave(missing);
  }
}

function dueAgain(entry: QueueEntry, results: readonly DeliveryResult[]): number | undefined {
  const tried = new Set(results.map((result) => result.recipient));
  return earliest(
    { ...entry, recipients: entry.recipients.filter(({ recipient }) => tried.has(recipient)) },
    ({ nextAttempt }) => nextAttempt,
  );
}

/** Where the first of the recipients that have such a place were put off. */
function preferenceOf(
  due: readonly QueuedRecipient[],
  recipients: Group['recipients'],
): Pick<DeliverOptions, 'prefer'> {
  const here = new Set(recipients);
  for (const queued of due) {
    const prefer = here.has(queued.recipient) ? preferredAddress(queued) : undefined;
    if (prefer !== undefined) return { prefer };
  }
  return {};
}

async function inParallel<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const workers = Array.from({ length: Math.min(atOnce, all.length) }, async () => {
    for (const one of waiting) await work(one);
  });
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
