import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Failure } from '../../src/mail/result.ts';
import { keepRunning, RUNNER, type RunnerOptions } from '../../src/queue/runner.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { SpoolError } from '../../src/queue/spool-error.ts';
import { type QueueWorld, queueWorld, submit } from '../support/queue-run.ts';
import { testSpool } from '../support/spool.ts';

/* Changes that come at any moment of a runner's life, above all of its end: none of them may be left waiting. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Nothing is ever sent here: an attempt ends with this. */
const NOT_NOW: Failure = {
  scope: 'destination',
  permanent: false,
  stage: 'resolve',
  status: '4.3.5',
  text: 'no password',
};

/** A queue as two processes see it: the runner, and whoever changes it. */
async function open() {
  const world = queueWorld({});
  world.failure = NOT_NOW;
  const { spool, folder } = await testSpool();
  const { spool: theirs } = await testSpool({ folder });
  return { world, spool, theirs };
}

const optionsOf = (world: QueueWorld, rest: Partial<RunnerOptions> = {}): RunnerOptions => ({
  world: world.means.world,
  findMeans: async () => NOT_NOW,
  reports: { fqdn: 'mail.example.org', zone: () => 0 },
  limits: DEFAULTS.runner,
  fsync: false,
  signal: new AbortController().signal,
  log: () => {},
  linger: 15_000,
  ...rest,
});

/** Makes an entry due now, as `queue retry` does; false where somebody has it. */
async function retry(spool: Spool, id: string, now: number): Promise<boolean> {
  const claim = await spool.claim(id);
  if (claim === undefined) return false;
  const recipients = claim.entry.recipients.map((recipient) => ({ ...recipient, nextAttempt: now }));
  await spool.replace(claim, { ...claim.entry, recipients });
  await claim.release();
  return true;
}

const attemptsOf = async (spool: Spool, id: string): Promise<number | undefined> =>
  (await spool.read(id))?.recipients[0]?.attempts;

type Watching = 'told' | 'blind';

/** The spool with `step` called before and after each of the runner's operations; a blind one is told of no change. */
function stepwise(spool: Spool, watching: Watching, step: () => Promise<void>) {
  let tell = (): void => {};
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    await step();
    const result = await work();
    await step();
    return result;
  };
  const stepped: Spool = {
    ...spool,
    ids: () => around(() => spool.ids()),
    read: (id) => around(() => spool.read(id)),
    claim: (id) => around(() => spool.claim(id)),
    stamp: () => around(() => spool.stamp()),
    async *entries() {
      await step();
      yield* spool.entries();
      await step();
    },
    async acquire(name) {
      const lock = await around(() => spool.acquire(name));
      return lock && { ...lock, release: () => around(() => lock.release()) };
    },
    watch(changed) {
      if (watching === 'blind') throw new SpoolError('Cannot watch queue: no watches are left', 75);
      tell = changed;
      return { close: () => {} };
    },
  };
  return { stepped, tell: () => tell() };
}

describe('keepRunning()', () => {
  type Change = 'a message comes' | 'an old one is to be tried now';

  /** One life of a runner with a change at one of its steps; false where it has fewer. */
  async function changedAt(at: number, change: Change, { watching, linger }: { watching: Watching; linger: number }) {
    const { world, spool, theirs } = await open();
    const old = await submit(theirs, { to: ['old@a.test'], rest: { nextAttempt: world.time + HOUR } });
    let steps = 0;
    let wanted: string | undefined;
    let isThere = false;
    const { stepped, tell } = stepwise(spool, watching, async () => {
      if (steps++ !== at) return;
      if (change === 'a message comes') wanted = await submit(theirs, { to: ['new@a.test'], queued: world.time });
      else if (await retry(theirs, old, world.time)) wanted = old;
      tell();
      isThere = await theirs.isAcquired(RUNNER);
    });
    expect(await keepRunning(stepped, optionsOf(world, { linger }))).toBe(true);
    // Whoever changed it started a runner where none was there.
    if (steps > at && !isThere) await keepRunning(theirs, optionsOf(world, { linger }));
    if (wanted !== undefined) expect([at, await attemptsOf(theirs, wanted)]).toEqual([at, 1]);
    expect(await theirs.isAcquired(RUNNER)).toBe(false);
    return steps > at;
  }

  for (const change of ['a message comes', 'an old one is to be tried now'] as const) {
    for (const watching of ['told', 'blind'] as const) {
      for (const linger of [0, 15_000]) {
        test(`leaves nothing where ${change} at any step, ${watching} of it, lingering ${linger} ms`, async () => {
          let at = 0;
          while (await changedAt(at, change, { watching, linger })) at += 1;
          expect(at).toBeGreaterThan(10);
        });
      }
    }
  }

  test('waits on for what came deferred just before its time was over', async () => {
    const { world, spool, theirs } = await open();
    await submit(theirs, { to: ['old@a.test'], rest: { nextAttempt: world.time + 9 * HOUR } });
    const began = world.time;
    let id: string | undefined;
    const sleep = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
      await world.means.world.sleep(milliseconds, signal);
      if (id !== undefined || world.time - began < HOUR - 20_000) return;
      id = await submit(theirs, { to: ['new@a.test'], rest: { nextAttempt: world.time + MINUTE } });
    };
    await keepRunning(spool, optionsOf(world, { linger: HOUR, world: { ...world.means.world, sleep } }));
    expect(await attemptsOf(theirs, id ?? '')).toBeGreaterThan(0);
  });

  test('looks again soon where somebody still had what was due', async () => {
    const { world, spool, theirs } = await open();
    const id = await submit(theirs, { to: ['al@a.test'] });
    const claim = await theirs.claim(id);
    const began = world.time;
    const sleep = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
      await claim?.release();
      await world.means.world.sleep(milliseconds, signal);
    };
    const tried: number[] = [];
    await keepRunning(spool, {
      ...optionsOf(world),
      world: { ...world.means.world, sleep },
      onRun: (report) => report.tried > 0 && tried.push(world.time - began),
    });
    expect(tried[0]).toBeLessThan(1000);
  });

  test('looks less and less often at what somebody has for long', async () => {
    const { world, spool, theirs } = await open();
    const id = await submit(theirs, { to: ['al@a.test'] });
    await theirs.claim(id);
    let runs = 0;
    await keepRunning(spool, { ...optionsOf(world, { linger: 10 * MINUTE }), onRun: () => runs++ });
    expect(runs).toBeGreaterThan(5);
    expect(runs).toBeLessThan(20);
  });

  test('takes at once what comes while it starts, however long that takes', async () => {
    const { world, spool, theirs } = await open();
    const stop = new AbortController();
    const { stepped, tell } = stepwise(spool, 'told', async () => {});
    let came = 0;
    let tried = 0;
    let coming = Promise.resolve();
    const sleep = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
      await coming;
      await world.means.world.sleep(milliseconds, signal);
    };
    await keepRunning(stepped, {
      ...optionsOf(world, { linger: 'forever', signal: stop.signal, world: { ...world.means.world, sleep } }),
      onRun(report) {
        if (report.tried > 0) {
          tried = world.time;
          stop.abort();
        }
        if (came > 0) return;
        // A minute for the first run: another one's sweep, a slow disk, a machine that has just started.
        world.time += MINUTE;
        came = world.time;
        coming = submit(theirs, { to: ['new@a.test'], queued: came }).then(tell);
      },
    });
    expect(came).toBeGreaterThan(0);
    expect(tried - came).toBeLessThan(1000);
  });
});
