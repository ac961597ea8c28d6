/*
 * When a recipient is tried again. Pure: the hour and the chance are arguments.
 *
 *   const at = nextAttempt(DEFAULT_SCHEDULE, { attempts: 1, queued, now, random });
 *
 * The pauses grow from a minute (a host that restarts; greylisting lets mail in after one to five minutes, RFC 6647,
 * section 4.1) to two hours (RFC 5321, section 4.5.4.1, wants at least half an hour between attempts in the long run).
 * An attempt falls right behind the hour of the delay warning and of the expiry, so that neither comes late, and the
 * sender is told what is true then.
 *
 * Clocks jump. Every time here is reckoned from `now`, so after a jump there is one attempt and then the usual pauses:
 * a next attempt further away than any pause is the work of a clock that went back, and is due at once (`dueAt`); a
 * message that was queued in the future was queued now (`ageOf`).
 */
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { Recipient } from '../mail/envelope.ts';

/** All in milliseconds. */
export interface Schedule {
  /** The pauses after the first attempt, the second, and so on; the last one repeats. At least one. */
  readonly retry: readonly number[];
  /** 0 to 1: how much of a pause is left to chance, half of it up and half down. */
  readonly jitter: number;
  /** How long a message may be queued. */
  readonly expire: number;
  /** After how long the sender is told that it is still queued; 0 is never. */
  readonly warn: number;
}

/** The schedule of each recipient: routes may have their own. */
export type ScheduleOf = (recipient: Recipient) => Schedule;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const DEFAULT_SCHEDULE: Schedule = {
  retry: [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR],
  // A tenth up or down: many that were deferred together do not come back together, and an hour stays about an hour.
  jitter: 0.2,
  // RFC 5321, section 4.5.4.1: at least four or five days.
  expire: 120 * HOUR,
  warn: 4 * HOUR,
};

/** No pause is shorter, whatever the settings say: a schedule of zeros must not become a loop. */
const SHORTEST = 1000;

export interface Attempted {
  /** Those made so far. */
  readonly attempts: number;
  /** Milliseconds since 1970, as all times here. */
  readonly queued: number;
  readonly now: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
}

/** The time of the next attempt: later than `now`, and never further away than the longest pause. */
export function nextAttempt(schedule: Schedule, { attempts, queued, now, random }: Attempted): number {
  const { retry, jitter } = schedule;
  const pause = Math.max(SHORTEST, retry[Math.min(Math.max(attempts, 1), retry.length) - 1] ?? HOUR);
  const chance = random();
  let next = now + pause * (1 - jitter / 2 + jitter * chance);
  const start = Math.min(queued, now);
  for (const limit of [schedule.warn > 0 ? start + schedule.warn : now, start + schedule.expire]) {
    // Behind the limit by chance, too, so that what was queued together still does not come back together.
    if (limit > now && limit < next) next = Math.min(next, limit + (pause * jitter * chance) / 2);
  }
  return Math.round(Math.max(next, now + SHORTEST));
}

/** The longest time that `nextAttempt` can name, from now. */
const longestPause = ({ retry, jitter }: Schedule): number => Math.max(SHORTEST, ...retry) * (1 + jitter / 2);

/** How long the message has been queued; 0 where the clock went back. */
export const ageOf = ({ queued }: Pick<QueueEntry, 'queued'>, now: number): number => Math.max(0, now - queued);

/** When the recipient is to be tried: its `nextAttempt`, or `now` where no pause could have led there. */
export function dueAt({ nextAttempt: at }: QueuedRecipient, schedule: Schedule, now: number): number {
  return at > now + longestPause(schedule) + SHORTEST ? now : at;
}

/** When the entry's first pending recipient is to be tried; undefined where none is, or the entry is held. */
export function entryDueAt(entry: QueueEntry, schedule: Schedule, now: number): number | undefined {
  if (entry.held === true) return undefined;
  const pending = entry.recipients.filter((recipient) => recipient.state === 'pending');
  return pending.length === 0 ? undefined : Math.min(...pending.map((one) => dueAt(one, schedule, now)));
}

/** Attempts for which a greylisting server is asked at the same place: those of the first hour. */
const SAME_PLACE = 5;

/**
 * Where the next attempt is to begin, before the other hosts and addresses of the route: the one that gave a transient
 * reply to the envelope or the message, because greylisting counts the time for each server apart (RFC 6647,
 * section 5.1). None for trouble with the host itself, for which another one is the better choice.
 */
export function preferredAddress(recipient: QueuedRecipient): { host: string; address: string } | undefined {
  const { last, attempts, state } = recipient;
  if (state !== 'pending' || attempts > SAME_PLACE || last === undefined) return undefined;
  const { host, address, reply, stage, permanent } = last;
  if (host === undefined || address === undefined || reply === undefined || permanent) return undefined;
  const isAnswer = stage === 'mail' || stage === 'rcpt' || stage === 'data' || stage === 'dot';
  return isAnswer && reply.code !== 421 ? { host, address } : undefined;
}
