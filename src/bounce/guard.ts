/*
 * The storm guard: a program that mails a dead address every minute must not bury its owner in bounces. The first ten
 * identical ones in an hour are sent; those after them are counted, and once an hour a digest tells how many.
 *
 *   const { decision, state, storm } = guard(before, { entry, request }, { now, limits });
 *     'send'    make the report            'count'   make none
 *     'digest'  make a digest of `storm`, this one included (`bounce/digest`)
 *   const { digests, state } = dueDigests(before, { now, limits });   when a storm has passed: digests that are due
 *
 * Identical is: to the same reader, of the same kind, about the same recipients with the same statuses. Pure; the
 * state is JSON for the runner to keep in one file: lost, it costs ten more bounces.
 */
import { createHash } from 'node:crypto';
import { type Address, addressKey } from '../mail/address.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { Failure } from '../mail/result.ts';
import type { ReportRequest } from './request.ts';
import { statusOf } from './status.ts';

export interface GuardLimits {
  /** Identical reports that are sent in a window; 0 is no guard. */
  readonly count: number;
  /** Milliseconds. */
  readonly window: number;
}

export const DEFAULT_GUARD: GuardLimits = { count: 10, window: 3_600_000 };

/** Identical reports of late. */
export interface Storm {
  readonly kind: ReportRequest['kind'];
  readonly to: ReportRequest['to'];
  /** The sender of the messages that are reported on. */
  readonly sender: Address | null;
  /** When the latest were made or counted, at most `count`; milliseconds since 1970. */
  readonly times: readonly number[];
  /** Those not sent since the last digest, and when the first was. */
  readonly counted: number;
  readonly since?: number;
  /** The latest counted entries, at most 20. */
  readonly ids: readonly string[];
  /** Recipients of the latest one, at most 5, each with its latest attempt and the beginning of its reply. */
  readonly recipients: readonly QueuedRecipient[];
}

export interface GuardState {
  readonly version: 1;
  readonly storms: Readonly<Record<string, Storm>>;
}

export const EMPTY_GUARD: GuardState = { version: 1, storms: {} };

export interface GuardOptions {
  readonly now: number;
  readonly limits: GuardLimits;
}

export interface Guarded {
  readonly decision: 'send' | 'count' | 'digest';
  readonly state: GuardState;
  /** What the digest is to tell. */
  readonly storm?: Storm;
}

/** Ids, recipients and characters of a line that are kept of a storm: enough to recognize it. */
const MOST_IDS = 20;
const MOST_RECIPIENTS = 5;
const MOST_WORDS = 300;
/** Readers and reasons that are watched at once: at the very worst a file of some megabytes. */
const MOST_STORMS = 500;

export interface Bounce {
  readonly entry: Pick<QueueEntry, 'id' | 'envelope'>;
  readonly request: ReportRequest;
}

/** Whether a report is to be made. */
export function guard(state: GuardState, bounce: Bounce, { now, limits }: GuardOptions): Guarded {
  if (limits.count <= 0) return { decision: 'send', state };
  const key = keyOf(bounce);
  const before = state.storms[key] ?? calm(bounce);
  const recent = before.times.filter((time) => time <= now && time > now - limits.window);
  const storm: Storm = { ...before, times: [...recent, now].slice(-limits.count) };
  if (recent.length < limits.count) return { decision: 'send', state: put(state, key, storm) };
  const since = Math.min(before.since ?? now, now);
  const counted: Storm = {
    ...storm,
    counted: before.counted + 1,
    since,
    ids: [...before.ids, bounce.entry.id].slice(-MOST_IDS),
    recipients: sample(bounce.request),
  };
  if (now - since < limits.window) return { decision: 'count', state: put(state, key, counted) };
  return { decision: 'digest', state: put(state, key, told(counted)), storm: counted };
}

/** Digests of what was counted a window ago and more; storms that have passed are forgotten. */
export function dueDigests(
  state: GuardState,
  { now, limits }: GuardOptions,
): { readonly digests: readonly Storm[]; readonly state: GuardState } {
  const digests: Storm[] = [];
  const storms: Record<string, Storm> = {};
  for (const [key, storm] of Object.entries(state.storms)) {
    const isDue = storm.since !== undefined && (storm.since > now || now - storm.since >= limits.window);
    if (isDue) digests.push(storm);
    const left = isDue ? told(storm) : storm;
    const isRecent = left.times.some((time) => time <= now && time > now - limits.window);
    if (left.counted > 0 || isRecent) storms[key] = left;
  }
  return { digests, state: { version: 1, storms } };
}

/** When the next digest is due, in milliseconds since 1970; undefined where nothing was counted. */
export function nextDigestAt(state: GuardState, { window }: GuardLimits): number | undefined {
  const times = Object.values(state.storms).flatMap(({ since }) => (since === undefined ? [] : [since + window]));
  return times.length === 0 ? undefined : Math.min(...times);
}

const calm = ({ entry, request }: Bounce): Storm => ({
  kind: request.kind,
  to: request.to,
  sender: entry.envelope.sender,
  times: [],
  counted: 0,
  ids: [],
  recipients: [],
});

function told({ since: _, ...storm }: Storm): Storm {
  return { ...storm, counted: 0, ids: [], recipients: [] };
}

/** A few recipients with the beginning of what was said of them. */
const sample = ({ recipients }: ReportRequest): readonly QueuedRecipient[] =>
  recipients.slice(0, MOST_RECIPIENTS).map(({ last, ...rest }) => ({
    ...rest,
    history: rest.history.slice(-1).map((past) => ({ ...past, text: past.text.slice(0, MOST_WORDS) })),
    ...(last === undefined ? {} : { last: beginning(last) }),
  }));

const beginning = (failure: Failure): Failure => ({
  ...failure,
  text: failure.text.slice(0, MOST_WORDS),
  ...(failure.reply === undefined
    ? {}
    : { reply: { ...failure.reply, lines: failure.reply.lines.slice(0, 3).map((line) => line.slice(0, MOST_WORDS)) } }),
});

function keyOf({ entry, request }: Bounce): string {
  const { sender } = entry.envelope;
  const about = request.recipients.map((one) => `${addressKey(one.recipient.address)} ${statusOf(one, request.kind)}`);
  const words = [request.to, request.kind, sender === null ? '' : addressKey(sender), ...about.sort()];
  return createHash('sha256').update(words.join('\n')).digest('hex').slice(0, 32);
}

/** The state with that storm; where there are too many, the one that was quiet the longest is forgotten. */
function put(state: GuardState, key: string, storm: Storm): GuardState {
  const storms: Record<string, Storm> = { ...state.storms, [key]: storm };
  const keys = Object.keys(storms);
  if (keys.length > MOST_STORMS) {
    const quiet = (name: string) => (storms[name]?.counted === 0 ? 0 : Number.MAX_VALUE / 2);
    const age = (name: string) => quiet(name) + (storms[name]?.times.at(-1) ?? 0);
    const oldest = keys.filter((name) => name !== key).reduce((a, b) => (age(b) < age(a) ? b : a));
    delete storms[oldest];
  }
  return { version: 1, storms };
}
