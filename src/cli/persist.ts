import type { Ending } from '../mail/ending.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { DeliveryResult } from '../mail/result.ts';
import { EXIT, recipientCode } from './exit.ts';
import { type Attempt, type History, record } from './history.ts';
import { nextPause } from './retry.ts';

/** Attempts in the foreground: everything that the loop needs of the outside is a function here. */
export interface Persistence {
  /** Milliseconds that may be spent; 0 is one attempt. */
  readonly limit: number;
  readonly signal: Ending;
  /** Tries these once: one result for each. */
  attempt(recipients: readonly Recipient[]): Promise<readonly DeliveryResult[]>;
  now(): number;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
  random(): number;
  sleep(milliseconds: number, signal: Ending): Promise<void>;
  onAttempt?(attempt: Attempt, number: number): void;
  onPause?(milliseconds: number, recipients: readonly Recipient[]): void;
}

/** A wrong password, or a message that can't be read, does not get better by trying again at once. */
const isWorthwhile = (history: History): boolean =>
  history.result.outcome === 'deferred' && recipientCode(history.result) === EXIT.tempFail;

/** Tries all recipients, then those that were deferred again and again, until the time is over or the signal comes. */
export async function persist(recipients: readonly Recipient[], options: Persistence): Promise<readonly History[]> {
  const start = options.monotonic();
  let histories: readonly History[] = [];
  let left = recipients;
  for (let number = 1; ; number += 1) {
    const began = options.now();
    const results = await options.attempt(left);
    const attempt = { began, ended: options.now(), results };
    histories = record(histories, attempt);
    options.onAttempt?.(attempt, number);
    left = histories.filter(isWorthwhile).map((history) => history.recipient);
    if (left.length === 0 || options.signal.aborted) return histories;
    const elapsed = options.monotonic() - start;
    const pause = nextPause({ attempts: number, elapsed, limit: options.limit, random: options.random() });
    if (pause === undefined) return histories;
    options.onPause?.(pause, left);
    await options.sleep(pause, options.signal);
    if (options.signal.aborted) return histories;
  }
}
