import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { keepRunning, RUNNER, type RunnerOptions } from '../../src/queue/runner.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { GREYLISTED, type MxServer, startMx } from '../support/mx-server.ts';
import { type QueueWorld, queueWorld, submit } from '../support/queue-run.ts';
import { testSpool } from '../support/spool.ts';

const HOUR = 3_600_000;

let mx: MxServer | undefined;
afterEach(async () => {
  await mx?.close();
  mx = undefined;
});

async function open() {
  mx = await startMx({ host: '127.0.0.1', name: 'mx.test', recipients: { 'grey@a.test': GREYLISTED } });
  const world = queueWorld({ 'a.test': mx.port, 'down.test': 0 });
  const { spool, folder } = await testSpool();
  return { mx, world, spool, folder };
}

const optionsOf = (world: QueueWorld, rest: Partial<RunnerOptions> = {}): RunnerOptions => ({
  world: world.means.world,
  findMeans: async () => world.means,
  reports: { fqdn: 'mail.example.org', zone: () => 0 },
  limits: DEFAULTS.runner,
  fsync: false,
  signal: new AbortController().signal,
  log: () => {},
  linger: HOUR,
  ...rest,
});

describe('keepRunning()', () => {
  test('ends when the queue is empty, and gives the lock back', async () => {
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['al@a.test'] });
    expect(await keepRunning(spool, optionsOf(world))).toBe(true);
    expect(mx.messages).toHaveLength(1);
    const lock = await spool.acquire(RUNNER);
    expect(lock).toBeDefined();
    await lock?.release();
  });

  test('goes on where an entry came between its last look at the queue and its end', async () => {
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['al@a.test'] });
    const late: Spool = {
      ...spool,
      async acquire(name) {
        const lock = await spool.acquire(name);
        if (lock === undefined || mx.messages.length > 0) return lock;
        return {
          ...lock,
          // What a caller does who still sees the lock: change the queue, and leave the rest to the runner.
          async release() {
            await submit(spool, { to: ['bob@a.test'] });
            expect(await spool.acquire(RUNNER)).toBeUndefined();
            await lock.release();
          },
        };
      },
    };
    expect(await keepRunning(late, optionsOf(world))).toBe(true);
    expect(mx.messages.map((message) => message.recipients)).toEqual([['al@a.test'], ['bob@a.test']]);
  });

  test('sees an older entry that was changed while it slept', async () => {
    const { mx, world, spool } = await open();
    const id = await submit(spool, { to: ['al@a.test'], rest: { nextAttempt: world.time + 1.5 * HOUR } });
    let slept = 0;
    const sleep = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
      if (++slept === 3) {
        const claim = await spool.claim(id);
        if (claim === undefined) throw new Error('somebody has it');
        const recipients = claim.entry.recipients.map((recipient) => ({ ...recipient, nextAttempt: world.time }));
        await spool.replace(claim, { ...claim.entry, recipients });
        await claim.release();
      }
      await world.means.world.sleep(milliseconds, signal);
    };
    const began = world.time;
    await keepRunning(spool, { ...optionsOf(world), world: { ...world.means.world, sleep } });
    expect(mx.messages).toHaveLength(1);
    expect(world.time - began).toBeLessThan(HOUR);
  });

  test('is not two at a time', async () => {
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['al@a.test'] });
    const lock = await spool.acquire(RUNNER);
    expect(await keepRunning(spool, optionsOf(world))).toBe(false);
    expect(mx.messages).toEqual([]);
    await lock?.release();
  });

  test('sleeps until the next attempt is due', async () => {
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['grey@a.test'] });
    const began = world.time;
    expect(await keepRunning(spool, optionsOf(world))).toBe(true);
    expect(mx.messages).toHaveLength(1);
    expect(world.time - began).toBeGreaterThan(50_000);
    expect(world.time - began).toBeLessThan(80_000);
  });

  test('ends when nothing was due for its time, and leaves what waits', async () => {
    const { world, spool } = await open();
    await submit(spool, { to: ['al@a.test'], rest: { nextAttempt: world.time + 1.5 * HOUR } });
    const began = world.time;
    expect(await keepRunning(spool, optionsOf(world))).toBe(true);
    expect(world.time - began).toBeGreaterThanOrEqual(HOUR);
    expect(world.time - began).toBeLessThan(HOUR + 60_000);
    expect(await spool.ids()).toHaveLength(1);
  });

  test('tries a destination that is down in growing pauses, then gives up', async () => {
    const { world, spool } = await open();
    await submit(spool, { to: ['al@down.test', 'bob@down.test'] });
    await submit(spool, { to: ['eve@down.test'] });
    await keepRunning(spool, optionsOf(world));
    // 1, 5, 15 and 30 minutes lie within an hour of each other; after the next, of an hour or so, it is over or not.
    expect(world.tried.length).toBeGreaterThanOrEqual(5);
    expect(world.tried.length).toBeLessThanOrEqual(7);
    expect(await spool.ids()).toHaveLength(2);
  });

  test('takes what comes while it waits', async () => {
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['grey@a.test'] });
    let isAdded = false;
    const onRun = () => {
      if (!isAdded) void submit(spool, { to: ['new@a.test'] });
      isAdded = true;
    };
    const began = world.time;
    expect(await keepRunning(spool, optionsOf(world, { onRun }))).toBe(true);
    expect(mx.messages.map(({ recipients }) => recipients[0])).toEqual(['new@a.test', 'grey@a.test']);
    expect(world.time - began).toBeLessThan(HOUR);
  });

  test('runs for ever as a service, until its signal', async () => {
    const { mx, world, spool } = await open();
    const stop = new AbortController();
    let runs = 0;
    const onRun = () => {
      runs += 1;
      if (runs === 3) stop.abort();
      else void submit(spool, { to: [`u${runs}@a.test`] });
    };
    expect(await keepRunning(spool, optionsOf(world, { linger: 'forever', signal: stop.signal, onRun }))).toBe(true);
    expect(runs).toBe(3);
    expect(mx.messages.length).toBeGreaterThan(0);
    expect(await spool.acquire(RUNNER)).toBeDefined();
  });

  test('waits as a service where another one has the lock', async () => {
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['al@a.test'] });
    const lock = await spool.acquire(RUNNER);
    const stop = new AbortController();
    const began = world.time;
    const running = keepRunning(spool, {
      ...optionsOf(world, { linger: 'forever', signal: stop.signal }),
      world: {
        ...world.means.world,
        async sleep(milliseconds) {
          world.time += milliseconds;
          await new Promise((resolve) => setImmediate(resolve));
          if (world.time - began > 60_000) await lock?.release();
        },
      },
      onRun: () => stop.abort(),
    });
    expect(await running).toBe(true);
    expect(mx.messages).toHaveLength(1);
  });

  test('tells of trouble with the spool, and tries again later', async () => {
    const { SpoolError } = await import('../../src/queue/spool-error.ts');
    const { mx, world, spool } = await open();
    await submit(spool, { to: ['al@a.test'] });
    const troubles: string[] = [];
    let fails = 2;
    const broken = {
      ...spool,
      async claim(id: string) {
        if (fails-- > 0) throw new SpoolError('Cannot claim entry: no space is left', 75);
        return spool.claim(id);
      },
    };
    const onTrouble = (error: InstanceType<typeof SpoolError>) => troubles.push(error.message);
    expect(await keepRunning(broken, optionsOf(world, { onTrouble }))).toBe(true);
    expect(troubles).toHaveLength(2);
    expect(mx.messages).toHaveLength(1);
  });
});
