import { afterEach, describe, expect, test, vi } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { type Delivery, deliver } from '../../src/delivery/deliver.ts';
import { openPool, type PoolOptions, type SessionPool } from '../../src/delivery/pool.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { type OneWay, oneWay } from '../support/one-way.ts';
import { type TestWorld, testWorld } from '../support/world.ts';

let world: TestWorld | undefined;
let pool: SessionPool | undefined;
afterEach(async () => {
  await pool?.close();
  await world?.close();
  world = undefined;
});

const ZONES = {
  MX: { 'b.test': ['10 mx.b.test'], 'c.test': ['10 mx.c.test'] },
  A: { 'mx.b.test': ['10.0.0.1'], 'mx.c.test': ['10.0.0.2'] },
};

async function open(scripts: Readonly<Record<string, readonly string[]>>, options: Partial<PoolOptions> = {}) {
  world = await testWorld(ZONES, scripts);
  pool = openPool({ sessions: 20, ...options });
}

const recipientOf = (address: string): Recipient => {
  const [local = '', domain = ''] = address.split('@');
  return { address: { local, domain } };
};

/** Delivers to each recipient in a delivery of its own; a line for each. */
async function send(addresses: readonly string[], rest: Partial<OneWay> = {}): Promise<string[]> {
  const lines: string[] = [];
  for (const address of addresses) {
    const recipients = [recipientOf(address)];
    const delivery: Delivery = {
      message: messageOf(HELLO),
      envelope: { sender: { local: 'me', domain: 'a.test' }, recipients },
      ...oneWay({ settings: { ...DEFAULTS, mx: { port: 25, allowLocal: true } }, helloName: 'client.test', ...rest }),
    };
    if (world === undefined || pool === undefined) throw new Error('Cannot send: nothing is open');
    const settled: DeliveryResult[] = [];
    const onSettled = async (results: readonly DeliveryResult[]) => {
      settled.push(...results);
    };
    const results = await deliver(delivery, recipients, { world, pool, onSettled });
    expect(settled).toEqual(results);
    for (const result of results) {
      lines.push(
        result.outcome === 'delivered'
          ? `${address} ${result.reply.lines[0]}`
          : `${address} ${result.outcome} ${result.failure.status} ${result.failure.uncertain === true ? 'uncertain' : ''}`.trim(),
      );
    }
  }
  return lines;
}

const HI = 'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n';
const begin = (address: string) => `C: MAIL FROM:<me@a.test>\nC: RCPT TO:<${address}>\nC: DATA\n`;
const next = (address: string, said: string) =>
  `${begin(address)}S: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nS: 250 ${said}\n`;
const first = (address: string, said = 'first') => next(address, said);
const last = (address: string, said: string) =>
  `${begin(address)}S: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 ${said}\nS: 221 bye\n`;
const BYE = 'C: QUIT\nS: 221 bye';

describe('SessionPool', () => {
  test('sends the next message over the same session, its envelope first', async () => {
    await open({
      '10.0.0.1': [`${HI}${first('x@b.test')}${next('y@b.test', 'second')}${next('z@b.test', 'third')}${BYE}`],
    });
    expect(await send(['x@b.test', 'y@b.test', 'z@b.test'])).toEqual([
      'x@b.test first',
      'y@b.test second',
      'z@b.test third',
    ]);
    await pool?.close();
    expect(world?.tried).toEqual(['10.0.0.1']);
  });

  test('goes on over the session after a recipient was refused', async () => {
    const refused = `${begin('x@b.test')}S: 250 ok\nS: 550 5.1.1 no\nS: 503 none\nC: RSET\nS: 250 ok\n`;
    const script = `S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 PIPELINING\n${refused}${next('y@b.test', 'second')}${BYE}`;
    await open({ '10.0.0.1': [script] });
    expect(await send(['x@b.test', 'y@b.test'])).toEqual(['x@b.test failed 5.1.1', 'y@b.test second']);
  });

  for (const [what, end] of [
    ['closed', '--: close'],
    ['was reset', '--: reset'],
    ['said goodbye', 'S: 421 4.4.2 idle for too long\n--: close'],
    ['answers MAIL with a goodbye', `${begin('y@b.test')}S: 421 4.7.0 too many messages\n--: close`],
    ['closes when MAIL comes', `${begin('y@b.test')}--: close`],
    ['is reset when MAIL comes', `${begin('y@b.test')}--: reset`],
  ] as const) {
    test(`opens a fresh session where the server ${what}`, async () => {
      await open({ '10.0.0.1': [`${HI}${first('x@b.test')}${end}`, `${HI}${first('y@b.test', 'again')}${BYE}`] });
      expect(await send(['x@b.test'])).toEqual(['x@b.test first']);
      // What the server did meanwhile has come in.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(await send(['y@b.test'])).toEqual(['y@b.test again']);
      expect(world?.tried).toEqual(['10.0.0.1', '10.0.0.1']);
    });
  }

  test('does not send again what was lost behind the message', async () => {
    await open({
      '10.0.0.1': [
        `${HI}${first('x@b.test')}${begin('y@b.test')}S: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\n--: close`,
      ],
    });
    expect(await send(['x@b.test', 'y@b.test'])).toEqual(['x@b.test first', 'y@b.test deferred 4.4.2 uncertain']);
    expect(world?.tried).toEqual(['10.0.0.1']);
  });

  test('says QUIT with the last of the transactions that a session may have', async () => {
    const two = (one: string, other: string, said: string) => `${HI}${first(one)}${last(other, said)}`;
    await open(
      { '10.0.0.1': [two('u@b.test', 'v@b.test', '2'), two('x@b.test', 'y@b.test', '4')] },
      { transactions: 2 },
    );
    expect(await send(['u@b.test', 'v@b.test', 'x@b.test', 'y@b.test'])).toEqual([
      'u@b.test first',
      'v@b.test 2',
      'x@b.test first',
      'y@b.test 4',
    ]);
  });

  test('keeps to what the server says of its limits', async () => {
    const limited = HI.replace('S: 250-CHUNKING\n', 'S: 250-LIMITS MAILMAX=1\n');
    await open({ '10.0.0.1': [`${limited}${last('x@b.test', '1')}`, `${limited}${last('y@b.test', '2')}`] });
    expect(await send(['x@b.test', 'y@b.test'])).toEqual(['x@b.test 1', 'y@b.test 2']);
  });

  test('gives a session only to who would have opened the same', async () => {
    await open({
      '10.0.0.1': [
        `${HI}${first('x@b.test')}${BYE}`,
        `${HI.replace('client.test', 'other.test')}${first('y@b.test')}${BYE}`,
      ],
    });
    await send(['x@b.test']);
    expect(await send(['y@b.test'], { helloName: 'other.test' })).toEqual(['y@b.test first']);
    expect(world?.tried).toHaveLength(2);
  });

  test('ends an idle session where another one needs its place', async () => {
    await open(
      { '10.0.0.1': [`${HI}${first('x@b.test')}${BYE}`], '10.0.0.2': [`${HI}${first('y@c.test')}${BYE}`] },
      { sessions: 1 },
    );
    expect(await send(['x@b.test', 'y@c.test'])).toEqual(['x@b.test first', 'y@c.test first']);
  });

  test('ends a session that was idle for its time', async () => {
    await open({ '10.0.0.1': [`${HI}${first('x@b.test')}${BYE}`, `${HI}${first('y@b.test')}${BYE}`] });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await send(['x@b.test']);
      vi.advanceTimersByTime(5_000);
    } finally {
      vi.useRealTimers();
    }
    expect(await send(['y@b.test'])).toEqual(['y@b.test first']);
    expect(world?.tried).toHaveLength(2);
  });
});
