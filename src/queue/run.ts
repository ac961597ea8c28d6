/*
 * One run over the queue: everything that is due is tried once.
 *
 *     const report = await runQueue(spool, { world, findMeans, reports, log, … });
 *
 * 1. Entries are read in the order of their queueing, and the ids of those that are due are kept (`run-agenda`).
 * 2. When its turn has come an entry is claimed, read again and delivered to all of its destinations at once
 *    (`run-entry`), over sessions that earlier ones left open, as many at a time as `run-traffic` allows.
 * 3. Each result is on disk before the entry's next transaction begins (`run-record`); a report is queued before the recipient
 *    it is about is dropped (`run-reports`), and is tried in the same run.
 *
 * Any number of runs, in any number of processes, may work one spool: what one has claimed the others pass over.
 * It rejects where the spool fails, after the deliveries under way have ended.
 */
import { setMaxListeners } from 'node:events';
import { openPool } from '../delivery/pool.ts';
import type { Ending } from '../mail/ending.ts';
import type { QueuedRecipient, QueueEntry } from '../mail/entry.ts';
import type { DeliveryResult } from '../mail/result.ts';
import type { World } from '../world.ts';
import type { QueueEvent } from './event.ts';
import { openAgenda, type Picked, STAGES } from './run-agenda.ts';
import { type Work, workEntry } from './run-entry.ts';
import { openGate } from './run-gate.ts';
import { type FindMeans, groupsOf, isFailure, pendingOf, rememberMeans, schedulesOf } from './run-means.ts';
import { openReach } from './run-reach.ts';
import { openReporting, type ReportSettings } from './run-reports.ts';
import { openStormFile } from './run-storms.ts';
import { openTraffic, type Traffic } from './run-traffic.ts';
import { dueAt } from './schedule.ts';
import type { Spool } from './spool.ts';

export interface RunOptions {
  readonly world: Pick<World, 'now' | 'monotonic' | 'random' | 'sleep'>;
  readonly findMeans: FindMeans;
  readonly reports: ReportSettings;
  /** Tries recipients that are not due yet, too. */
  readonly all?: boolean;
  /** Only entries for which this is true. */
  readonly select?: (entry: QueueEntry) => boolean;
  /** `sessions` in all and `destinationSessions` to one destination at once, `transactions` on one session. */
  readonly limits: { readonly sessions: number; readonly destinationSessions: number; readonly transactions: number };
  readonly fsync: boolean;
  /** Aborted: nothing more is begun, and what is under way may end. */
  readonly signal: Ending;
  /** Brings in what waits outside of the spool, before the run. Never rejects. */
  readonly takeIn?: (spool: Spool) => Promise<number>;
  /** Milliseconds that it may take then. Default 30 s. */
  readonly grace?: number;
  /** Is told of each entry when it is read first, in the order of ids, but for reports that the run makes itself. */
  readonly onScanned?: (entry: QueueEntry) => void;
  /** What it throws is nobody's trouble. */
  readonly log: (event: QueueEvent) => void;
  readonly onResult?: (result: DeliveryResult) => void;
  /** What earlier runs learnt of destinations. */
  readonly traffic?: Traffic;
}

export interface RunReport {
  /** Entries that were tried. */
  readonly tried: number;
  /** Due entries that somebody else had. */
  readonly busy: number;
  readonly delivered: number;
  readonly deferred: number;
  readonly failed: number;
  /** Entries that are left, held ones included. */
  readonly left: number;
  /** When there is something to do again, in milliseconds since 1970; absent: nothing waits for a time. */
  readonly next?: number;
}

export const trafficFor = ({ world, limits }: Pick<RunOptions, 'world' | 'limits'>): Traffic =>
  openTraffic({
    sessions: limits.sessions,
    each: limits.destinationSessions,
    monotonic: () => world.monotonic(),
  });

// A message under way has been read and sent by then, or its server is stuck.
const GRACE = 30_000;
// Each may hold a message of a megabyte in memory.
const MOST_ACTIVE = 100;
/** A time that never comes. */
const NEVER = Number.POSITIVE_INFINITY;

export async function runQueue(spool: Spool, options: RunOptions): Promise<RunReport> {
  const { world, signal, limits, select = () => true, all = false } = options;
  await options.takeIn?.(spool);
  const traffic = options.traffic ?? trafficFor(options);
  const findMeans = rememberMeans(options.findMeans);
  const agenda = openAgenda(traffic, limits.sessions);
  const count = { tried: 0, busy: 0, delivered: 0, deferred: 0, failed: 0 };
  const stop = new AbortController();
  const hard = new AbortController();
  // Each session listens to it, and each delivery that waits.
  setMaxListeners(0, hard.signal, stop.signal);
  const pool = openPool({ sessions: limits.sessions, transactions: limits.transactions });
  const active = new Set<Promise<void>>();
  const mostActive = Math.min(MOST_ACTIVE, STAGES * limits.sessions);
  const fresh: QueueEntry[] = [];
  let next = NEVER;
  let left = 0;
  let trouble: unknown;
  let wake = (): void => {};

  const giveUp = (error: unknown): void => {
    trouble ??= error;
    stop.abort();
  };
  const work: Work = {
    spool,
    world,
    findMeans,
    traffic,
    gate: openGate({ traffic, signal: stop.signal, sleep: (time, ended) => world.sleep(time, ended) }),
    pool,
    reach: openReach(() => world.monotonic()),
    signal: hard.signal,
    all,
    isWanted: (entry) => select(entry) || isFresh(entry.id),
    reporting: openReporting({
      ...options.reports,
      spool,
      storms: openStormFile({ spool, fsync: options.fsync, sleep: (time) => world.sleep(time) }),
      now: () => world.now(),
      random: () => world.random(),
      onQueued(entry) {
        made.add(entry.id);
        fresh.push(entry);
      },
    }),
    log,
    onResult(result) {
      count[result.outcome] += 1;
      options.onResult?.(result);
    },
  };
  const made = new Set<string>();
  const isFresh = (id: string): boolean => made.has(id);

  function log(event: QueueEvent): void {
    try {
      options.log(event);
    } catch {
      // Trouble with the log never stops mail.
    }
  }

  /** Puts the entry on the agenda where it is due. */
  async function consider(entry: QueueEntry): Promise<void> {
    const means = await findMeans(entry.way);
    const schedule = schedulesOf(entry, means);
    const timeOf = (queued: QueuedRecipient): number => dueAt(queued, schedule(queued.recipient), now);
    const now = world.now();
    const pending = pendingOf(entry);
    left += 1;
    const first = all ? pending[0] : pending.find((recipient) => timeOf(recipient) <= now);
    if (first === undefined || !work.isWanted(entry)) {
      for (const recipient of pending) next = Math.min(next, timeOf(recipient));
      return;
    }
    const [group] = isFailure(means) ? [] : groupsOf([first.recipient], entry, means);
    agenda.add(entry.id, group?.lane);
    wake();
  }

  async function scan(): Promise<void> {
    let turns = 0;
    for (const id of await spool.ids()) {
      if (stop.signal.aborted) return;
      const entry = await spool.read(id);
      if (entry !== undefined) {
        options.onScanned?.(entry);
        await consider(entry);
      }
      // Reading takes no turn of the event loop by itself, and deliveries are under way.
      if (++turns % READ_BATCH === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async function take(picked: Picked): Promise<void> {
    try {
      const worked = await workEntry(picked.id, work);
      if (worked === 'busy') {
        count.busy += 1;
        next = Math.min(next, world.now() + BUSY);
      } else {
        count.tried += 1;
        if (worked.isGone) left -= 1;
        next = Math.min(next, worked.next ?? NEVER);
      }
    } catch (error) {
      giveUp(error);
    }
    agenda.done(picked);
    for (const entry of fresh.splice(0)) await consider(entry);
  }

  const end = (): void => {
    stop.abort();
    wake();
    void world.sleep(options.grace ?? GRACE, over.signal).then(() => hard.abort());
  };
  const over = new AbortController();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  let isScanned = false;
  const scanned = scan()
    .catch(giveUp)
    .then(() => {
      isScanned = true;
      wake();
    });

  for (;;) {
    while (!stop.signal.aborted && active.size < mostActive) {
      const picked = agenda.pick(world.now());
      if (picked === undefined) break;
      const turn = take(picked).finally(() => {
        active.delete(turn);
        wake();
      });
      active.add(turn);
    }
    if (active.size === 0 && (stop.signal.aborted || (isScanned && agenda.size === 0))) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  await scanned;
  signal.removeEventListener('abort', end);
  over.abort();
  await pool.close();
  if (trouble !== undefined) throw trouble;
  const storms = await work.reporting.tellStorms();
  storms.events.forEach(log);
  if (storms.events.length > 0) next = world.now();
  next = Math.min(next, storms.next ?? NEVER);
  return { ...count, left: left + storms.events.length, ...(next === NEVER ? {} : { next }) };
}

const READ_BATCH = 20;
// Who has an entry delivers it, or dies with it.
const BUSY = 60_000;
