/*
 * What happens to a new message, in one of three modes:
 *
 *   interactive  every recipient is tried now; those that are deferred go into the spool, and a runner goes on with them
 *   background   the message goes into the spool, and a runner that was made sure of delivers it
 *   queue        the message goes into the spool, and waits for whoever runs the queue
 *
 * A message is accepted when the spool says so, and not before: until then the caller owns it. So a spool that can't be
 * used is no end: in the background mode the recipients are tried at once instead, in any mode the trouble is given back,
 * and what is deferred then is the caller's. A permanent failure of the interactive mode is told to the caller, who is
 * there, and makes no bounce; success that the sender asked to be told of makes a report as from the queue.
 *
 * A caller that ends us with a signal keeps the message: nothing is put into the spool then.
 */
import type { ReportRequest } from '../bounce/request.ts';
import { formatAddress } from '../mail/address.ts';
import { ENTRY_VERSION, type QueuedRecipient, type QueueEntry, type Way } from '../mail/entry.ts';
import type { Envelope, Recipient } from '../mail/envelope.ts';
import type { DeliveryResult } from '../mail/result.ts';
import type { Message } from '../message/message.ts';
import { advance } from '../queue/advance.ts';
import type { QueueEvent } from '../queue/event.ts';
import type { ScheduleOf } from '../queue/schedule.ts';
import type { Spool } from '../queue/spool.ts';

export type DeliveryMode = 'interactive' | 'background' | 'queue';

export interface Submission {
  readonly message: Message;
  readonly envelope: Envelope;
  readonly way: Way;
  /** Who hands it in. */
  readonly uid: number;
  readonly messageId?: string;
}

/** Attempts made in the foreground. */
export interface Tries {
  /** In order; `ended` in milliseconds since 1970. */
  readonly attempts: readonly { readonly ended: number; readonly results: readonly DeliveryResult[] }[];
  /** A signal ended them. */
  readonly interrupted: boolean;
}

/** What takes a message. */
export type Taker = Pick<Spool, 'accept'>;

/** What submitting needs, as functions that are called only when it comes to that. */
export interface SubmitRooms<S extends Taker = Spool> {
  readonly schedule: ScheduleOf;
  now(): number;
  random(): number;
  attempt(): Promise<Tries>;
  /** Whether a deferred recipient is worth storing: trying again later may help. */
  isStorable(result: DeliveryResult): boolean;
  /** Rejects where it can't be used. Absent: nothing may be stored. */
  readonly openSpool?: () => Promise<S>;
  /** Makes sure that somebody works the spool. */
  startRunner(spool: S): Promise<void>;
  /** Queues a report about the entry, which need not be in the spool. */
  report(spool: S, entry: QueueEntry, request: ReportRequest): Promise<void>;
  log(event: QueueEvent): void;
}

export interface Submitted {
  /** None where nothing was tried in the foreground. */
  readonly attempts: Tries['attempts'];
  /** What is in the spool now, only with the recipients that are left. */
  readonly entry?: QueueEntry;
  /** Why the spool could not be used. */
  readonly trouble?: unknown;
}

/** @throws what `attempt` throws; trouble with the spool is given back */
export async function submit<S extends Taker>(
  submission: Submission,
  mode: DeliveryMode,
  rooms: SubmitRooms<S>,
): Promise<Submitted> {
  if (mode === 'interactive') return tryNow(submission, rooms);
  const fresh = draftOf(submission, rooms.now());
  try {
    const spool = await rooms.openSpool?.();
    if (spool === undefined) throw new Error('Cannot submit: there is no spool to put it into');
    const entry = await accept({ spool, draft: fresh, submission }, rooms);
    if (mode === 'background') await rooms.startRunner(spool);
    return { attempts: [], entry };
  } catch (trouble) {
    return mode === 'queue'
      ? { attempts: [], trouble }
      : { ...(await tryNow(submission, withoutSpool(rooms))), trouble };
  }
}

const withoutSpool = <S extends Taker>({ openSpool: _, ...rooms }: SubmitRooms<S>): SubmitRooms<S> => rooms;

async function tryNow<S extends Taker>(submission: Submission, rooms: SubmitRooms<S>): Promise<Submitted> {
  const began = rooms.now();
  const { attempts, interrupted } = await rooms.attempt();
  if (rooms.openSpool === undefined) return { attempts };
  const { entry, reports } = advanceAll(draftOf(submission, began), attempts, rooms);
  const last = new Map(attempts.flatMap(({ results }) => results.map((result) => [result.recipient, result])));
  const left = interrupted ? [] : entry.recipients.filter((each) => isLeft(each, last.get(each.recipient), rooms));
  if (left.length === 0 && reports.length === 0) return { attempts };
  try {
    const spool = await rooms.openSpool();
    const accepted =
      left.length === 0 ? undefined : await accept({ spool, draft: { ...entry, recipients: left }, submission }, rooms);
    for (const request of reports) await rooms.report(spool, accepted ?? entry, request);
    await rooms.startRunner(spool);
    return { attempts, ...(accepted === undefined ? {} : { entry: accepted }) };
  } catch (trouble) {
    return { attempts, trouble };
  }
}

const isLeft = (
  { state }: QueuedRecipient,
  result: DeliveryResult | undefined,
  { isStorable }: Pick<SubmitRooms, 'isStorable'>,
): boolean => state === 'pending' && result !== undefined && isStorable(result);

/** The attempts are the first ones of the entry's life; of their reports, only those of success are asked for. */
function advanceAll(
  draft: QueueEntry,
  attempts: Tries['attempts'],
  { schedule, random }: Pick<SubmitRooms, 'schedule' | 'random'>,
): { readonly entry: QueueEntry; readonly reports: readonly ReportRequest[] } {
  let entry = draft;
  const reports: ReportRequest[] = [];
  for (const { ended, results } of attempts) {
    const advanced = advance(entry, results, { schedule, now: ended, random });
    entry = advanced.entry;
    reports.push(...advanced.reports.filter(({ kind }) => kind === 'relayed' || kind === 'delivered'));
  }
  return { entry, reports };
}

/** The entry as it would be; its id and its message's digest are the spool's to give. */
function draftOf({ message, envelope, way, uid, messageId }: Submission, now: number): QueueEntry {
  const { recipients, ...rest } = envelope;
  return {
    version: ENTRY_VERSION,
    id: '',
    queued: now,
    envelope: rest,
    message: {
      headerSize: message.header.length,
      digest: '',
      facts: message.facts,
      ...(messageId === undefined ? {} : { messageId }),
    },
    way,
    uid,
    recipients: recipients.map((recipient) => pending(recipient, now)),
  };
}

const pending = (recipient: Recipient, now: number): QueuedRecipient => ({
  recipient,
  state: 'pending',
  attempts: 0,
  nextAttempt: now,
  history: [],
});

interface Acceptance {
  readonly spool: Taker;
  readonly draft: QueueEntry;
  readonly submission: Submission;
}

async function accept(
  { spool, draft, submission }: Acceptance,
  rooms: Pick<SubmitRooms, 'now' | 'log'>,
): Promise<QueueEntry> {
  const { version: _, id: __, message: ___, ...rest } = draft;
  const { messageId } = submission;
  const entry = await spool.accept(submission.message, { ...rest, ...(messageId === undefined ? {} : { messageId }) });
  rooms.log({
    event: 'accepted',
    time: rooms.now(),
    id: entry.id,
    sender: entry.envelope.sender === null ? '' : formatAddress(entry.envelope.sender),
    recipients: entry.recipients.map(({ recipient }) => formatAddress(recipient.address)),
    size: entry.message.facts.size,
    uid: entry.uid,
    ...(messageId === undefined ? {} : { messageId }),
  });
  return entry;
}
