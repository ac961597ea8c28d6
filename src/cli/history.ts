import type { Recipient } from '../mail/envelope.ts';
import type { DeliveryResult } from '../mail/result.ts';

/** What became of one recipient over all attempts; times in milliseconds since 1970. */
export interface History {
  readonly recipient: Recipient;
  /** The last one. */
  readonly result: DeliveryResult;
  readonly attempts: number;
  readonly first: number;
  readonly last: number;
}

/** One attempt at some of the recipients: a result for each. */
export interface Attempt {
  /** When it began. */
  readonly began: number;
  readonly ended: number;
  readonly results: readonly DeliveryResult[];
}

/** The histories with an attempt added, in the order of the recipients' first results. */
export function record(histories: readonly History[], attempt: Attempt): readonly History[] {
  const results = new Map(attempt.results.map((result) => [result.recipient, result]));
  const known = histories.map((history) => {
    const result = results.get(history.recipient);
    results.delete(history.recipient);
    if (result === undefined) return history;
    return { ...history, result, attempts: history.attempts + 1, last: attempt.ended };
  });
  const fresh = [...results].map(([recipient, result]) => ({
    recipient,
    result,
    attempts: 1,
    first: attempt.began,
    last: attempt.ended,
  }));
  return [...known, ...fresh];
}
