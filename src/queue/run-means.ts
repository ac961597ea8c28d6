import type { Settings } from '../config/settings.ts';
import type { Submitter } from '../delivery/author.ts';
import type { Delivery } from '../delivery/deliver.ts';
import type { QueueEntry, Way } from '../mail/entry.ts';
import type { Recipient } from '../mail/envelope.ts';
import type { Failure } from '../mail/result.ts';
import { type Author, nameOf, planRoutes } from '../route/plan.ts';
import { type Rule, ruleFor, userOf } from '../route/table.ts';
import type { World } from '../world.ts';
import type { Lane } from './run-traffic.ts';
import { DEFAULT_SCHEDULE, type Schedule, type ScheduleOf } from './schedule.ts';

/** What is needed to deliver in the way that an entry asks for: settings, routes, what their outlets need, our names. */
export interface Means extends Omit<Delivery, 'message' | 'envelope' | 'submitter'> {
  readonly world: World;
  /** Who handed the entry in, by what it says. */
  submitterOf(entry: Pick<QueueEntry, 'uid' | 'way'>): Submitter;
}

/**
 * Finds the means for a way; a failure where it can't be gone now (a broken configuration, no password): its mail is
 * deferred, and the failure's text says why. Never rejects but for a bug.
 */
export type FindMeans = (way: Way) => Promise<Means | Failure>;

export const isFailure = (means: Means | Failure): means is Failure => 'scope' in means;

/** Finds the means for each way once. */
export function rememberMeans(find: FindMeans): FindMeans {
  const found = new Map<string, Promise<Means | Failure>>();
  return (way) => {
    const key = JSON.stringify(way);
    const known = found.get(key) ?? find(way).then((means) => (isFailure(means) ? means : withMemory(means)));
    found.set(key, known);
    return known;
  };
}

/** With the addresses of the relay's name looked up once, as the resolver remembers those of all others. */
function withMemory(means: Means): Means {
  const { world } = means;
  const found = new Map<string, Promise<readonly string[]>>();
  const systemLookup = (host: string): Promise<readonly string[]> => {
    const known = found.get(host) ?? world.systemLookup(host);
    found.set(host, known);
    known.catch(() => found.delete(host));
    return known;
  };
  return { ...means, world: { ...world, systemLookup } };
}

/** The schedule of the settings; that of the program where there are none. */
export function scheduleOf({ retry }: Pick<Settings, 'retry'>): Schedule {
  const { pauses, expire, delayWarning } = retry;
  return {
    ...DEFAULT_SCHEDULE,
    ...(pauses === undefined ? {} : { retry: pauses }),
    ...(expire === undefined ? {} : { expire }),
    ...(delayWarning === undefined ? {} : { warn: delayWarning }),
  };
}

/** The recipients that go the same way, and where they wait for their turn. */
export interface Group {
  readonly lane: Lane;
  readonly recipients: readonly Recipient[];
}

/** What routes are asked about an entry. */
type Asking = Pick<QueueEntry, 'envelope' | 'uid' | 'way'>;

const authorOf = (entry: Asking, means: Means): Author => ({
  sender: entry.envelope.sender,
  ...means.submitterOf(entry),
});

/** The groups of an entry's recipients. Sessions are the same where destination and login are. */
export function groupsOf(recipients: readonly Recipient[], entry: Asking, means: Means): readonly Group[] {
  return planRoutes(recipients, means.table, authorOf(entry, means)).map((plan) => {
    const { settings } = plan.outlet;
    const user = userOf(plan.outlet);
    const name = `${user === undefined ? '' : `${user} `}${nameOf(plan.destination)}`;
    const { rate } = settings.limits;
    const each = settings.runner.destinationSessions;
    const isOwn = each !== means.settings.runner.destinationSessions;
    return {
      lane: { name, ...(rate === undefined ? {} : { rate }), ...(isOwn ? { each } : {}) },
      recipients: plan.recipients,
    };
  });
}

/** When each recipient is tried again: as its route says. */
export function schedulesOf(entry: Asking, means: Means | Failure): ScheduleOf {
  if (isFailure(means)) return () => DEFAULT_SCHEDULE;
  const author = authorOf(entry, means);
  const made = new Map<Rule, Schedule>();
  return (recipient) => {
    const rule = ruleFor(means.table, { recipient, ...author });
    const schedule = made.get(rule) ?? scheduleOf(rule.outlets[0].settings);
    made.set(rule, schedule);
    return schedule;
  };
}

/** The recipients of an entry that are to be tried now. */
export const pendingOf = (entry: QueueEntry): QueueEntry['recipients'] =>
  entry.held === true ? [] : entry.recipients.filter((recipient) => recipient.state === 'pending');
