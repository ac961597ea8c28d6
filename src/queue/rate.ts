import type { Rate } from '../config/rate.ts';

/*
 * A token bucket. It holds a tenth of what is allowed, so that a handful of messages goes at once, and what leaves in
 * any stretch of the rate's own length stays close to the rate: a full bucket of 30 would let 60 out in the first minute.
 */
export interface Bucket {
  /** How many tokens there were, fractions of one included. */
  readonly tokens: number;
  /** When that was, in milliseconds on a clock that never jumps. */
  readonly at: number;
}

const capacity = ({ count }: Rate): number => Math.max(1, Math.floor(count / 10));

/** The bucket at this time; a new one is full. */
function filled(rate: Rate, bucket: Bucket | undefined, now: number): Bucket {
  if (bucket === undefined) return { tokens: capacity(rate), at: now };
  const gained = (Math.max(0, now - bucket.at) * rate.count) / rate.per;
  return { tokens: Math.min(capacity(rate), bucket.tokens + gained), at: now };
}

// A token that rounding made a hair too small is one.
const HAIR = 1e-9;

/** Milliseconds until there is a token; 0: there is one. */
export function waitFor(rate: Rate, bucket: Bucket | undefined, now: number): number {
  const { tokens } = filled(rate, bucket, now);
  return tokens >= 1 - HAIR ? 0 : ((1 - tokens) * rate.per) / rate.count;
}

/** The bucket without one token; it may owe one to who takes it without waiting. */
export function takeToken(rate: Rate, bucket: Bucket | undefined, now: number): Bucket {
  const { tokens } = filled(rate, bucket, now);
  return { tokens: tokens - 1, at: now };
}
