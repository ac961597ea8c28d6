/**
 * Pauses between attempts in the foreground (`--retry-for`). The first are short, for a host that restarts or a lock
 * that passes; greylisting lets mail in after one to five minutes (RFC 6647, section 4.1), so that several tries fall
 * into those; after that a quarter of an hour is polite and often enough. The last try is at the deadline itself.
 */

/** Seconds before the second attempt, the third, and so on; the last one repeats. */
const PAUSES = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900] as const;
const LONGEST = 900;

/** A fifth up or down: many senders that were deferred together do not come back together. */
const JITTER = 0.2;

export interface RetryState {
  /** Attempts made so far, at least 1. */
  readonly attempts: number;
  /** Milliseconds since the first attempt began. */
  readonly elapsed: number;
  /** Milliseconds that may be spent in all (`--retry-for`); 0 is one attempt only. */
  readonly limit: number;
  /** 0 <= x < 1. */
  readonly random: number;
}

/** Milliseconds until the next attempt, or undefined where the time is over. */
export function nextPause(state: RetryState): number | undefined {
  const left = state.limit - state.elapsed;
  if (!(left > 0)) return undefined;
  const seconds = PAUSES[state.attempts - 1] ?? LONGEST;
  const pause = Math.round(seconds * 1000 * (1 - JITTER + 2 * JITTER * state.random));
  // A pause that leaves less than half of itself is stretched, so that no two tries fall together at the end.
  return left < pause * 1.5 ? left : pause;
}
