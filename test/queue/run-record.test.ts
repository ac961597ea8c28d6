import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Spool } from '../../src/queue/spool.ts';
import { SpoolError } from '../../src/queue/spool-error.ts';
import { GREYLISTED, type MxServer, REFUSED, startMx } from '../support/mx-server.ts';
import { linesOf, queueWorld, submit } from '../support/queue-run.ts';
import { testSpool } from '../support/spool.ts';

const servers: MxServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function server(recipients: Readonly<Record<string, readonly string[]>> = {}): Promise<MxServer> {
  const started = await startMx({ host: '127.0.0.1', name: 'mx.test', recipients });
  servers.push(started);
  return started;
}

/** The spool, with a word for each thing that is written to it, and what `look` says at that moment. */
function watched(spool: Spool, look: (deed: string) => string | Promise<string>): { spool: Spool; deeds: string[] } {
  const deeds: string[] = [];
  const note = async (deed: string): Promise<void> => {
    deeds.push(`${deed} ${await look(deed)}`.trim());
  };
  return {
    deeds,
    spool: {
      ...spool,
      async accept(message, draft) {
        const entry = await spool.accept(message, draft);
        await note('accept');
        return entry;
      },
      async replace(claim, entry) {
        await spool.replace(claim, entry);
        await note('replace');
      },
      async remove(claim) {
        await spool.remove(claim);
        await note('remove');
      },
      async fail(claim, entry) {
        await spool.fail(claim, entry);
        await note('fail');
      },
    },
  };
}

describe('EntryRecord', () => {
  test('has each result on disk before the next transaction begins', async () => {
    const mx = await server();
    const world = queueWorld({ 'a.test': mx.port });
    const { spool } = await testSpool();
    await submit(spool, { to: Array.from({ length: 250 }, (_, at) => `u${at}@a.test`) });
    const { spool: seen, deeds } = watched(spool, async () => {
      const delivered = (await linesOf(spool)).filter((line) => line.includes(' delivered ')).length;
      return `${mx.messages.length} sent, ${delivered} booked`;
    });
    await world.run(seen);
    expect(deeds).toEqual(['replace 1 sent, 100 booked', 'replace 2 sent, 200 booked', 'remove 3 sent, 0 booked']);
  });

  test('writes nothing but the end where one transaction settles all', async () => {
    const mx = await server({ 'eve@a.test': REFUSED });
    const world = queueWorld({ 'a.test': mx.port });
    const { spool } = await testSpool();
    await submit(spool, { to: ['eve@a.test'], from: 'ann@a.test' });
    const { spool: seen, deeds } = watched(spool, async () => String((await spool.ids()).length));
    await world.run(seen);
    // The bounce is there before its recipient is not, and is then delivered itself.
    expect(deeds).toEqual(['accept 2', 'remove 1', 'remove 0']);
    const events = world.events.map(({ event }) => event);
    expect(events).toEqual(['attempt', 'failed', 'bounced', 'done', 'attempt', 'delivered', 'done']);
  });

  test('keeps a failed recipient pending on disk until its bounce is there', async () => {
    const [one, other] = [await server({ 'eve@a.test': REFUSED }), await server({ 'bob@b.test': GREYLISTED })];
    const world = queueWorld({ 'a.test': one.port, 'b.test': other.port });
    const { spool } = await testSpool();
    await submit(spool, { to: ['eve@a.test', 'bob@b.test'] });
    const { spool: seen, deeds } = watched(spool, async (deed) =>
      deed === 'replace' ? (await linesOf(spool)).filter((line) => line.startsWith('eve')).join() : '',
    );
    await world.run(seen);
    const accepted = deeds.indexOf('accept');
    const failed = deeds.indexOf('replace eve@a.test failed 1 5.1.1');
    expect(accepted).toBeGreaterThanOrEqual(0);
    expect(failed).toBeGreaterThan(accepted);
    expect(deeds.slice(0, accepted).filter((deed) => deed.includes('failed'))).toEqual([]);
  });

  test('makes the bounce again where the one before was lost with the run', async () => {
    const mx = await server({ 'eve@a.test': REFUSED });
    const world = queueWorld({ 'a.test': mx.port });
    const { spool } = await testSpool();
    await submit(spool, { to: ['eve@a.test'], from: 'ann@a.test' });
    const broken: Spool = {
      ...spool,
      accept: () => Promise.reject(new SpoolError('Cannot accept message: no space is left', 75)),
    };
    await expect(world.run(broken)).rejects.toThrow('no space is left');
    expect(await linesOf(spool)).toEqual(['eve@a.test pending 0']);
  });

  test('writes again what could not be written, and claims no more', async () => {
    const mx = await server();
    const world = queueWorld({ 'a.test': mx.port });
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test'] });
    let fails = 2;
    const flaky: Spool = {
      ...spool,
      remove: (claim) =>
        fails-- > 0 ? Promise.reject(new SpoolError('Cannot remove entry: EIO', 75)) : spool.remove(claim),
    };
    expect(await world.run(flaky)).toMatchObject({ delivered: 1, left: 0 });
    expect(mx.messages).toHaveLength(1);
    expect(await spool.ids()).toEqual([]);
  });

  test('has nothing more sent than there are sessions before results are on the disk', async () => {
    const mx = await server();
    const world = queueWorld({ 'a.test': mx.port });
    const { spool } = await testSpool();
    for (let count = 0; count < 12; count++) await submit(spool, { to: [`u${count}@a.test`] });
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let removed = 0;
    const slow: Spool = {
      ...spool,
      async remove(claim) {
        // The first one tells that the server is there.
        if (removed++ > 0) await opened;
        await spool.remove(claim);
      },
    };
    const run = world.run(slow, { limits: { sessions: 2, destinationSessions: 2, transactions: 100 } });
    await vi.waitFor(() => expect(mx.messages).toHaveLength(3), { interval: 1 });
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(mx.messages).toHaveLength(3);
    open();
    expect(await run).toMatchObject({ delivered: 12, left: 0 });
    expect(mx.messages).toHaveLength(12);
  });

  test('keeps its claim of what it could not write, so that nobody sends it again', async () => {
    const mx = await server();
    const world = queueWorld({ 'a.test': mx.port });
    const { spool } = await testSpool();
    for (let count = 0; count < 100; count++) await submit(spool, { to: [`u${count}@a.test`] });
    const broken: Spool = {
      ...spool,
      remove: () => Promise.reject(new SpoolError('Cannot remove entry: EIO', 75)),
    };
    await expect(world.run(broken)).rejects.toThrow('EIO');
    // The others are left for another day.
    expect(mx.messages.length).toBeLessThan(20);
    const claims = await Promise.all((await spool.ids()).map((id) => spool.claim(id)));
    expect(claims.filter((claim) => claim === undefined).length).toBeGreaterThanOrEqual(mx.messages.length);
    expect(claims.length).toBe(100);
  });
});
