import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { applyOverrides, DEFAULTS } from '../../src/config/defaults.ts';
import type { Means } from '../../src/queue/run-means.ts';
import { readTable } from '../../src/route/table.ts';
import { QUEUED } from '../support/entry.ts';
import { startMx } from '../support/mx-server.ts';
import { linesOf, queueWorld, submit } from '../support/queue-run.ts';
import { testSpool } from '../support/spool.ts';

/* What routes say of the queue: how often and how long their mail is tried, and how fast it goes. */

const MINUTE = 60_000;

/** A world whose servers are all down, and means by a configuration. */
async function worldOf(config: string, ports: Readonly<Record<string, number>>) {
  const world = queueWorld(ports);
  const reading = await readConfig(config, '/c.toml');
  if (!reading.ok) throw new Error(reading.errors.join('\n'));
  const settings = applyOverrides({ ...DEFAULTS, mx: { port: 25, allowLocal: true } }, reading.overrides);
  const found = readTable(settings);
  if ('reason' in found) throw new Error(found.reason);
  const means: Means = { ...world.means, settings, table: found.table };
  return { world, run: world.run, options: { findMeans: async () => means } };
}

const DOWN = { 'a.test': 0, 'b.test': 0, 'example.org': 0 };

describe('runQueue() with routes', () => {
  const config = [
    '[[route]]\nrecipient = "a.test"\nretry = ["10m", "1h"]\nexpire = "3h"\ndelay_warning = 0',
    '[[route]]\nrecipient = "b.test"\nretry = "1d"\nexpire = "2d"\ndelay_warning = "1h"',
  ].join('\n');

  test('tries each recipient as often as its route says', async () => {
    const { world, run, options } = await worldOf(config.replace('retry = "1d"', 'retry = ["1d"]'), DOWN);
    const { spool } = await testSpool();
    await submit(spool, { to: ['x@a.test', 'y@b.test', 'z@example.org'] });
    world.time = QUEUED;
    await run(spool, options);
    for await (const entry of spool.entries()) {
      const pauses = entry.recipients.map(({ nextAttempt }) => Math.round((nextAttempt - QUEUED) / MINUTE));
      // The warning of the second falls into its pause, and has an attempt behind it.
      expect(pauses[0]).toBe(10);
      expect(pauses[1]).toBeGreaterThanOrEqual(60);
      expect(pauses[2]).toBe(1);
    }
  });

  test('gives up as early as the route of each recipient says', async () => {
    const { world, run, options } = await worldOf(config.replace('retry = "1d"', 'retry = ["1d"]'), DOWN);
    const { spool } = await testSpool();
    await submit(spool, { to: ['x@a.test', 'y@b.test'] });
    world.time = QUEUED + 4 * 60 * MINUTE;
    await run(spool, { ...options, all: true });
    const lines = await linesOf(spool);
    expect(lines).toContain('x@a.test failed 1 4.4.7');
    expect(lines).toContain('y@b.test pending 1 4.4.1');
    const told = world.events
      .filter(({ event }) => event === 'warned' || event === 'expired')
      .map(({ event }) => event);
    expect(told).toEqual(expect.arrayContaining(['expired']));
  });

  test('goes no faster than the route says', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.test' });
    const { world, run, options } = await worldOf('[[route]]\nrecipient = "a.test"\nrate = "1/min"', {
      'a.test': mx.port,
      'b.test': mx.port,
    });
    const { spool } = await testSpool();
    for (const to of ['1@a.test', '2@a.test', '3@a.test', '1@b.test', '2@b.test']) await submit(spool, { to: [to] });
    world.time = QUEUED;
    await run(spool, options);
    await mx.close();
    expect(mx.messages.length).toBe(5);
    expect((world.time - QUEUED) / MINUTE).toBeGreaterThanOrEqual(2);
  });

  test('tries a way that is down once, and takes the next one for all messages', async () => {
    const mx = await startMx({ host: '127.0.0.1', name: 'mx.test' });
    const relay = `smtp://a.test:25`;
    const { world, run, options } = await worldOf(`tls.level = "none"\n[[route]]\nvia = ["${relay}", "mx"]`, {
      'a.test': 0,
      'b.test': mx.port,
    });
    const { spool } = await testSpool();
    const lookUp = async () => ['10.0.0.1'];
    const means = await options.findMeans();
    const own = { ...means, world: { ...means.world, systemLookup: lookUp } };
    for (let count = 0; count < 6; count++) await submit(spool, { to: [`u${count}@b.test`] });
    world.time = QUEUED;
    const report = await run(spool, { findMeans: async () => own });
    await mx.close();
    expect(report).toMatchObject({ delivered: 6, left: 0 });
    expect(world.tried.filter((name) => name === 'a.test').length).toBe(1);
  });
});
