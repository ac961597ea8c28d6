import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { GREYLISTED, type MxOptions, type MxServer, REFUSED, startMx } from '../support/mx-server.ts';
import { linesOf, type Ports, type QueueWorld, queueWorld, submit } from '../support/queue-run.ts';
import { testSpool } from '../support/spool.ts';

const servers: MxServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function server(options: Partial<MxOptions> = {}): Promise<MxServer> {
  const started = await startMx({ host: '127.0.0.1', name: 'mx.test', ...options });
  servers.push(started);
  return started;
}

/** A world in which each domain has a server of its own, with these replies to its recipients. */
async function worldOf(domains: Readonly<Record<string, Partial<MxOptions> | 'down'>>) {
  const running: Record<string, MxServer> = {};
  const ports: Record<string, number> = {};
  for (const [domain, options] of Object.entries(domains)) {
    if (options === 'down') ports[domain] = 0;
    else {
      const mx = await server(options);
      running[domain] = mx;
      ports[domain] = mx.port;
    }
  }
  return { world: queueWorld(ports satisfies Ports), servers: running };
}

const sessionsOf = (mx: MxServer | undefined): number =>
  mx?.commands.filter((line) => line.startsWith('EHLO')).length ?? 0;
const namesOf = (mx: MxServer | undefined): string[] =>
  mx?.messages.flatMap(({ recipients }) => recipients).sort() ?? [];
const eventsOf = (world: QueueWorld): string[] =>
  world.events.map((event) => ('recipient' in event ? `${event.event} ${event.recipient}` : event.event));

describe('runQueue()', () => {
  test('drops who was delivered, keeps who was deferred and bounces who failed', async () => {
    const { world, servers: at } = await worldOf({
      'a.test': {},
      'b.test': { recipients: { 'bob@b.test': GREYLISTED } },
      'c.test': { recipients: { 'cid@c.test': REFUSED } },
      'example.org': {},
    });
    const { spool } = await testSpool();
    const id = await submit(spool, { to: ['al@a.test', 'bob@b.test', 'cid@c.test'] });
    const report = await world.run(spool);
    expect(report).toMatchObject({ tried: 2, delivered: 2, deferred: 1, failed: 1, left: 1 });
    expect(await linesOf(spool)).toEqual([
      'al@a.test delivered 1',
      'bob@b.test pending 1 4.7.1',
      'cid@c.test failed 1 5.1.1',
    ]);
    const [bounce] = at['example.org']?.messages ?? [];
    expect(bounce).toMatchObject({ sender: '', recipients: ['ann@example.org'] });
    expect(bounce?.bytes.toString()).toMatch(/^Final-Recipient: rfc822; cid@c\.test\r$/m);
    expect(eventsOf(world)).toEqual(
      expect.arrayContaining(['delivered al@a.test', 'deferred bob@b.test', 'failed cid@c.test', 'bounced']),
    );
    world.time = report.next ?? 0;
    expect(await world.run(spool)).toMatchObject({ tried: 1, delivered: 1, left: 0 });
    expect(await spool.ids()).toEqual([]);
    expect([namesOf(at['a.test']), namesOf(at['b.test'])]).toEqual([['al@a.test'], ['bob@b.test']]);
    expect(world.events.filter((event) => event.id === id && event.event === 'done')).toHaveLength(1);
  });

  test('tries nothing before its time, but with `all`', async () => {
    const { world, servers: at } = await worldOf({ 'a.test': {} });
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test'], rest: { nextAttempt: world.time + 60_000 } });
    expect(await world.run(spool)).toEqual({
      ...{ tried: 0, busy: 0, delivered: 0, deferred: 0, failed: 0, left: 1 },
      next: world.time + 60_000,
    });
    expect(await world.run(spool, { all: true })).toMatchObject({ tried: 1, delivered: 1, left: 0 });
    expect(namesOf(at['a.test'])).toEqual(['al@a.test']);
  });

  test('leaves alone what is held, what is not selected and what somebody else has', async () => {
    const { world } = await worldOf({ 'a.test': {} });
    const { spool } = await testSpool();
    const [held, other, busy] = [
      await submit(spool, { to: ['held@a.test'] }),
      await submit(spool, { to: ['other@a.test'] }),
      await submit(spool, { to: ['busy@a.test'] }),
    ];
    const hold = await spool.claim(held);
    if (hold === undefined) throw new Error('Cannot hold');
    await spool.replace(hold, { ...hold.entry, held: true });
    await hold.release();
    const claim = await spool.claim(busy);
    expect(await world.run(spool, { select: ({ id }) => id !== other })).toMatchObject({ tried: 0, busy: 1, left: 3 });
    await claim?.release();
    expect(await spool.ids()).toHaveLength(3);
    expect(world.tried).toEqual([]);
  });

  test('sends many messages over few sessions', async () => {
    const { world, servers: at } = await worldOf({ 'a.test': {} });
    const { spool } = await testSpool();
    for (let count = 0; count < 60; count++) await submit(spool, { to: [`u${count}@a.test`] });
    expect(await world.run(spool)).toMatchObject({ delivered: 60, left: 0 });
    expect(sessionsOf(at['a.test'])).toBeLessThanOrEqual(5);
    expect(new Set(namesOf(at['a.test'])).size).toBe(60);
    expect(at['a.test']?.commands.filter((line) => line === 'QUIT').length).toBeLessThanOrEqual(5);
  });

  test('sends no more transactions over a session than the limit', async () => {
    const { world, servers: at } = await worldOf({ 'a.test': {} });
    const { spool } = await testSpool();
    for (let count = 0; count < 12; count++) await submit(spool, { to: [`u${count}@a.test`] });
    await world.run(spool, { limits: { sessions: 1, destinationSessions: 1, transactions: 4 } });
    expect(sessionsOf(at['a.test'])).toBe(3);
    expect(namesOf(at['a.test'])).toHaveLength(12);
  });

  test('gives each destination a turn, so that sessions serve many where there are fewer than destinations', async () => {
    const { world, servers: at } = await worldOf({ 'a.test': {}, 'b.test': {}, 'c.test': {} });
    const { spool } = await testSpool();
    for (let count = 0; count < 90; count++) await submit(spool, { to: [`u${count}@${'abc'[count % 3]}.test`] });
    await world.run(spool, { limits: { sessions: 2, destinationSessions: 2, transactions: 100 } });
    for (const mx of Object.values(at)) expect(namesOf(mx)).toHaveLength(30);
    // One for one they would be 90.
    const sessions = Object.values(at).map(sessionsOf);
    expect(sessions.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(30);
  });

  test('sends one transaction to all recipients of a domain', async () => {
    const { world, servers: at } = await worldOf({ 'a.test': {}, 'b.test': {} });
    const { spool } = await testSpool();
    const to = Array.from({ length: 100 }, (_, at) => `u${at}@${at % 2 === 0 ? 'a' : 'b'}.test`);
    await submit(spool, { to });
    await world.run(spool);
    expect([at['a.test']?.messages.length, at['b.test']?.messages.length]).toEqual([1, 1]);
    expect([...namesOf(at['a.test']), ...namesOf(at['b.test'])].sort()).toEqual([...to].sort());
  });

  test('tries a destination that is down once, and tells the others without connecting', async () => {
    const { world } = await worldOf({ 'down.test': 'down', 'a.test': {} });
    const { spool } = await testSpool();
    for (let count = 0; count < 20; count++) await submit(spool, { to: [`u${count}@down.test`] });
    await submit(spool, { to: ['al@a.test'] });
    const report = await world.run(spool);
    expect(report).toMatchObject({ delivered: 1, deferred: 20, left: 20 });
    expect(world.tried.filter((domain) => domain === 'down.test')).toHaveLength(1);
    expect(new Set(await linesOf(spool)).size).toBe(20);
    const texts = new Set<string>();
    const times = new Set<number>();
    for await (const { recipients } of spool.entries()) {
      for (const { last, nextAttempt } of recipients) {
        expect(last?.status).toBe('4.4.1');
        texts.add(last?.text.replace(/:.*/, '') ?? '');
        times.add(nextAttempt);
      }
    }
    expect([...texts].sort()).toEqual([
      'Cannot connect to mx.down.test',
      'not tried, the destination was down a while ago',
    ]);
    expect(Math.min(...times)).toBe(report.next);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(0.1 * (Math.min(...times) - world.time) + 1);
    world.time = report.next ?? 0;
    await world.run(spool);
    expect(world.tried.filter((domain) => domain === 'down.test')).toHaveLength(2);
  });

  test('does not outrun the rate of a destination', async () => {
    const { world } = await worldOf({ 'a.test': {} });
    world.settings = { ...world.settings, limits: { ...world.settings.limits, rate: { count: 60, per: 60_000 } } };
    const { spool } = await testSpool();
    for (let count = 0; count < 30; count++) await submit(spool, { to: [`u${count}@a.test`] });
    const began = world.time;
    expect(await world.run(spool)).toMatchObject({ delivered: 30, left: 0 });
    // Six at once, then one each second.
    expect(world.time - began).toBeGreaterThanOrEqual(23_900);
    expect(world.time - began).toBeLessThan(40_000);
  });

  test('defers what can not be configured, and loses nothing', async () => {
    const { world } = await worldOf({ 'a.test': {} });
    world.failure = { scope: 'destination', permanent: false, stage: 'resolve', status: '4.3.5', text: 'no password' };
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test', 'bob@a.test'] });
    const report = await world.run(spool);
    expect(report).toMatchObject({ tried: 1, deferred: 2, left: 1 });
    expect(await linesOf(spool)).toEqual(['al@a.test pending 1 4.3.5', 'bob@a.test pending 1 4.3.5']);
    world.failure = undefined;
    world.time = report.next ?? 0;
    expect(await world.run(spool)).toMatchObject({ delivered: 2, left: 0 });
  });

  test('warns of a delay and gives up when the time is over, also where nothing can be tried', async () => {
    const { world, servers: at } = await worldOf({ 'example.org': {} });
    const broken = {
      scope: 'destination',
      permanent: false,
      stage: 'resolve',
      status: '4.3.5',
      text: 'broken',
    } as const;
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test'] });
    const bounces: number[] = [];
    const began = world.time;
    for (let turn = 0; turn < 200 && (await spool.ids()).length > 0; turn++) {
      world.failure = broken;
      const report = await world.run(spool);
      // The reports themselves can go.
      world.failure = undefined;
      await world.run(spool, { all: true, select: (entry) => entry.envelope.sender === null });
      for (const _ of at['example.org']?.messages.slice(bounces.length) ?? [])
        bounces.push((world.time - began) / 3_600_000);
      world.time = Math.max(world.time + 1000, report.next ?? 0);
    }
    expect(bounces).toHaveLength(2);
    expect(Math.floor(bounces[0] ?? 0)).toBe(4);
    expect(Math.floor(bounces[1] ?? 0)).toBe(120);
    expect(at['example.org']?.messages[1]?.bytes.toString()).toMatch(/^Status: 4\.4\.7\r$/m);
    expect(await spool.ids()).toEqual([]);
  });

  test('gives one bounce to a sender, for all recipients of a message', async () => {
    const { world, servers: at } = await worldOf({
      'a.test': { recipients: { 'al@a.test': REFUSED } },
      'b.test': { recipients: { 'bob@b.test': REFUSED } },
      'example.org': {},
    });
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test', 'bob@b.test', 'eve@nowhere.test'] });
    expect(await world.run(spool)).toMatchObject({ failed: 3, delivered: 1, left: 0 });
    expect(at['example.org']?.messages).toHaveLength(1);
    const text = at['example.org']?.messages[0]?.bytes.toString() ?? '';
    expect(text.match(/^Final-Recipient: .*$/gm)).toHaveLength(3);
  });

  test('keeps what can be told to nobody in failed/', async () => {
    const { world } = await worldOf({ 'a.test': { recipients: { 'al@a.test': REFUSED } } });
    const { spool, folder } = await testSpool();
    const id = await submit(spool, { to: ['al@a.test', 'bob@a.test'], from: null });
    expect(await world.run(spool)).toMatchObject({ failed: 1, delivered: 1, left: 0 });
    expect(await spool.ids()).toEqual([]);
    expect(readdirSync(`${folder}/failed`).sort()).toEqual([`${id}.json`, `${id}.message`]);
    expect(eventsOf(world)).toContain('kept');
  });

  test('gives a bounce that fails to the postmaster once, and then keeps it', async () => {
    const { world } = await worldOf({
      'a.test': { recipients: { 'al@a.test': REFUSED } },
      'example.org': { recipients: { 'ann@example.org': REFUSED, 'root@example.org': REFUSED } },
    });
    const { spool, folder } = await testSpool();
    await submit(spool, { to: ['al@a.test'] });
    const postmaster = { local: 'root', domain: 'example.org' };
    const report = await world.run(spool, { reports: { fqdn: 'mail.example.org', zone: () => 0, postmaster } });
    expect(report).toMatchObject({ tried: 3, failed: 3, left: 0 });
    expect(readdirSync(`${folder}/failed`)).toHaveLength(2);
  });

  test('gives a bounce to those whom the sender’s aliases name, or to the sender where they name nobody', async () => {
    const { world, servers: at } = await worldOf({
      'a.test': { recipients: { 'al@a.test': REFUSED } },
      'example.org': {},
      'b.test': {},
    });
    const { spool } = await testSpool();
    const reports = { fqdn: 'mail.example.org', zone: () => 0 };
    await submit(spool, { to: ['al@a.test'] });
    const people = [{ address: { local: 'bea', domain: 'b.test' } }, { address: { local: 'ben', domain: 'b.test' } }];
    await world.run(spool, { reports: { ...reports, readersOf: () => people } });
    expect([namesOf(at['b.test']), namesOf(at['example.org'])]).toEqual([['bea@b.test', 'ben@b.test'], []]);
    await submit(spool, { to: ['al@a.test'] });
    await world.run(spool, { reports: { ...reports, readersOf: () => [] } });
    expect(namesOf(at['example.org'])).toEqual(['ann@example.org']);
  });

  test('counts the bounces of a storm, and tells of them in one', async () => {
    const { world, servers: at } = await worldOf({
      'a.test': { recipients: { 'al@a.test': REFUSED } },
      'example.org': {},
    });
    const { spool } = await testSpool();
    for (let count = 0; count < 30; count++) await submit(spool, { to: ['al@a.test'] });
    const report = await world.run(spool);
    expect(at['example.org']?.messages).toHaveLength(10);
    expect(report.left).toBe(0);
    world.time = report.next ?? 0;
    await world.run(spool);
    await world.run(spool);
    expect(at['example.org']?.messages).toHaveLength(11);
    expect(at['example.org']?.messages[10]?.bytes.toString()).toMatch(/20 more reports/);
  });

  test('asks at the same place again after greylisting', async () => {
    const { world, servers: at } = await worldOf({ 'a.test': { recipients: { 'al@a.test': GREYLISTED } } });
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test'] });
    const report = await world.run(spool);
    world.time = report.next ?? 0;
    await world.run(spool);
    expect(namesOf(at['a.test'])).toEqual(['al@a.test']);
    expect(report.next).toBe(world.time);
  });

  test('moves aside a message that is not what was written', async () => {
    const { world } = await worldOf({ 'a.test': {} });
    const damages: string[] = [];
    const { spool, folder } = await testSpool({ onDamage: ({ id }) => damages.push(id) });
    const id = await submit(spool, { to: ['al@a.test'] });
    const other = await submit(spool, { to: ['bob@a.test'] });
    (await import('node:fs')).truncateSync(`${folder}/message/${id}`, 3);
    expect(await world.run(spool)).toMatchObject({ delivered: 1 });
    expect(damages).toEqual([id]);
    expect(await spool.ids()).toEqual([]);
    expect(readdirSync(`${folder}/damaged`)).toContain(`${id}.message`);
    expect(world.events.filter((event) => event.id === other).length).toBeGreaterThan(0);
  });

  test('delivers all although the log fails', async () => {
    const { world } = await worldOf({ 'a.test': {} });
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test'] });
    const log = () => {
      throw new Error('ENOSPC');
    };
    expect(await world.run(spool, { log })).toMatchObject({ delivered: 1, left: 0 });
  });

  test('begins nothing once it is told to end', async () => {
    const { world } = await worldOf({ 'a.test': {} });
    const { spool } = await testSpool();
    await submit(spool, { to: ['al@a.test'] });
    expect(await world.run(spool, { signal: AbortSignal.abort() })).toMatchObject({ tried: 0 });
    expect(world.tried).toEqual([]);
    expect(await spool.ids()).toHaveLength(1);
  });

  test('ends what is under way when it is told to end, and breaks it off when that takes too long', async () => {
    for (const patience of ['enough', 'none']) {
      const { world, servers: at } = await worldOf({ 'a.test': {} });
      const { spool } = await testSpool();
      for (let count = 0; count < 9; count++) await submit(spool, { to: [`u${count}@a.test`] });
      const stop = new AbortController();
      const { means } = world;
      const sleep = (_: number, signal?: AbortSignal) =>
        patience === 'none'
          ? Promise.resolve()
          : new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
      const ending: typeof means.world = {
        ...means.world,
        sleep,
        async connect(target, signal) {
          stop.abort();
          return means.world.connect(target, signal);
        },
      };
      const report = await world.run(spool, {
        world: ending,
        findMeans: async () => ({ ...means, world: ending }),
        signal: stop.signal,
      });
      const sent = patience === 'none' ? 0 : 1;
      expect(report).toMatchObject({ delivered: sent, deferred: 0 });
      expect(at['a.test']?.messages).toHaveLength(sent);
      expect(await spool.ids()).toHaveLength(9 - sent);
      // What was broken off cost no attempt, and anybody may have it.
      for (const line of await linesOf(spool)) expect(line).toMatch(/ pending 0$/);
      const claims = await Promise.all((await spool.ids()).map((id) => spool.claim(id)));
      expect(claims.every((claim) => claim !== undefined)).toBe(true);
    }
  });
});
