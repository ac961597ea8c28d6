/*
 * What a runner knows of destinations, from one run to the next: how many deliveries are under way, which are down, and
 * how fast mail may go there.
 *
 * - At most so many deliveries at once, in all and to one destination.
 * - Of a destination that nothing is known of, one delivery is the probe, and the others wait for what becomes of it.
 * - One where no session could be opened is down until the probe's next attempt: nobody connects before.
 */
import type { Rate } from '../config/rate.ts';
import { formatReply } from '../mail/reply.ts';
import type { DeliveryResult, Failure, Stage } from '../mail/result.ts';
import { type Bucket, takeToken, waitFor } from './rate.ts';

export interface TrafficOptions {
  /** Deliveries at once. */
  readonly sessions: number;
  /** Deliveries to one destination at once. */
  readonly each: number;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
}

/** Where to, by a name that is the same for the same sessions, and how fast at most. */
export interface Lane {
  readonly name: string;
  readonly rate?: Rate;
  /** Deliveries at once, where the route says it. */
  readonly each?: number;
}

/** Why nobody connects, and until when (milliseconds since 1970). */
export interface Down {
  readonly failure: Failure;
  readonly until: number;
}

export interface Traffic {
  /** Milliseconds until a delivery may begin; undefined: when another one has ended. */
  wait(lane: Lane): number | undefined;
  /** Counts a delivery; only where `wait` said 0. */
  begin(lane: Lane): void;
  end(lane: Lane): void;
  /** How many deliveries there may be at once, as far as is known. */
  width(lane: Lane): number;
  /** What results say of the destination; `next` is when its mail is tried again. */
  learn(lane: Lane, results: readonly DeliveryResult[], next: number): void;
  down(lane: Lane, now: number): Down | undefined;
}

interface State {
  busy: number;
  isKnown: boolean;
  bucket?: Bucket;
  down?: Down;
}

// Only those that are down or limited are worth keeping when there are more.
const MOST_KEPT = 10_000;

export function openTraffic({ sessions, each, monotonic }: TrafficOptions): Traffic {
  const states = new Map<string, State>();
  let busy = 0;

  function of({ name }: Lane): State {
    const found = states.get(name);
    if (found !== undefined) return found;
    if (states.size >= MOST_KEPT) forgetIdle();
    const state = { busy: 0, isKnown: false };
    states.set(name, state);
    return state;
  }

  function forgetIdle(): void {
    for (const [name, state] of states) {
      if (state.busy === 0 && state.down === undefined && state.bucket === undefined) states.delete(name);
    }
  }

  const width = (lane: Lane): number => (of(lane).isKnown ? (lane.each ?? each) : 1);

  return {
    wait(lane) {
      const state = of(lane);
      if (busy >= sessions || state.busy >= width(lane)) return undefined;
      return lane.rate === undefined ? 0 : waitFor(lane.rate, state.bucket, monotonic());
    },
    begin(lane) {
      const state = of(lane);
      state.busy += 1;
      busy += 1;
      if (lane.rate !== undefined) state.bucket = takeToken(lane.rate, state.bucket, monotonic());
    },
    end(lane) {
      of(lane).busy -= 1;
      busy -= 1;
    },
    width,
    learn(lane, results, next) {
      const state = of(lane);
      const failure = noSession(results);
      if (failure !== undefined) {
        state.down = { failure: notTried(failure), until: next };
        state.isKnown = false;
      } else if (results.some(hasMet)) {
        delete state.down;
        state.isKnown = true;
      }
    },
    down(lane, now) {
      const state = of(lane);
      if (state.down !== undefined && now >= state.down.until) delete state.down;
      return state.down;
    },
  };
}

/** The stages before the first transaction: what goes wrong in them says nothing of the message. */
const OPENING: readonly Stage[] = ['resolve', 'connect', 'greeting', 'ehlo', 'starttls', 'tls', 'auth'];

/** Why no session could be opened, where that is why nothing was delivered. */
export function noSession(results: readonly DeliveryResult[]): Failure | undefined {
  const failures = results.map((result) => (result.outcome === 'deferred' ? result.failure : undefined));
  const [first] = failures;
  return failures.every((failure) => failure !== undefined && OPENING.includes(failure.stage)) ? first : undefined;
}

const hasMet = (result: DeliveryResult): boolean =>
  result.outcome === 'delivered' || !OPENING.includes(result.failure.stage);

/** RFC 3463, X.4.1: no answer from host; told to those who would have been tried behind the probe. */
function notTried({ text, reply, advice }: Failure): Failure {
  const words = reply === undefined ? text : `${text}: ${formatReply(reply).slice(0, MOST_WORDS)}`;
  return {
    scope: 'destination',
    permanent: false,
    stage: 'connect',
    status: '4.4.1',
    text: `not tried, the destination was down a while ago: ${words}`,
    ...(advice === undefined ? {} : { advice }),
  };
}

/** Characters of a reply in another failure's text. */
const MOST_WORDS = 300;
