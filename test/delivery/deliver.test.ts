import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { Settings } from '../../src/config/settings.ts';
import { deliver } from '../../src/delivery/deliver.ts';
import { formatAddress } from '../../src/mail/address.ts';
import type { Envelope, Recipient } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import type { Message } from '../../src/message/message.ts';
import { HELLO, messageOf } from '../support/message.ts';
import type { MockZones } from '../support/mock-resolver.ts';
import { type OneWay, oneWay } from '../support/one-way.ts';
import { type TestWorld, testWorld } from '../support/world.ts';

let world: TestWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const to = (...addresses: string[]): Recipient[] =>
  addresses.map((address) => ({ address: { local: address.split('@')[0]!, domain: address.split('@')[1]! } }));

const settings = (limits: Partial<Settings['limits']> = {}): Settings => ({
  ...DEFAULTS,
  mx: { port: 25, allowLocal: true },
  limits: { ...DEFAULTS.limits, ...limits },
});

const ZONES: MockZones = {
  MX: { 'b.test': ['10 mx1.b.test', '20 mx2.b.test'], 'c.test': ['10 mx.c.test'], 'null.test': ['0 .'] },
  A: { 'mx1.b.test': ['10.0.0.1'], 'mx2.b.test': ['10.0.0.2'], 'mx.c.test': ['10.0.0.3'] },
};

interface Case {
  readonly recipients: readonly Recipient[];
  readonly scripts: Readonly<Record<string, readonly string[]>>;
  readonly way?: Partial<OneWay>;
  readonly envelope?: Envelope;
  readonly zones?: MockZones;
  readonly message?: Message;
}

/** A line for each result: `ann@b.test delivered mx1.b.test 250 ok`, `bob@b.test deferred 4.4.2 …`. */
async function run({ recipients, scripts, way, zones = ZONES, ...rest }: Case): Promise<string[]> {
  const { message = messageOf(HELLO), envelope = { sender: { local: 'me', domain: 'a.test' }, recipients } } = rest;
  world = await testWorld(zones, scripts);
  const results = await deliver(
    {
      message,
      envelope,
      ...oneWay({ settings: settings(), helloName: 'client.test', ...way }),
    },
    recipients,
    { world },
  );
  return results.map(line);
}

function line(result: DeliveryResult): string {
  const who = formatAddress(result.recipient.address);
  if (result.outcome === 'delivered') return `${who} delivered ${result.peer.host} ${result.reply.lines[0]}`;
  const { failure } = result;
  return `${who} ${result.outcome} ${failure.status} ${failure.host ?? '-'} ${failure.reply?.lines[0] ?? failure.text}`;
}

const HI = 'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 PIPELINING\n';
const MAIL = 'C: MAIL FROM:<me@a.test>\n';
const rcpt = (address: string) => `C: RCPT TO:<${address}>\n`;
const ok = (count: number) => 'S: 250 ok\n'.repeat(count);
const SENT = 'S: 354 go\nC: <message>\nC: QUIT\nS: 250 queued\nS: 221 bye';
const all = (...addresses: string[]) =>
  `${HI}${MAIL}${addresses.map(rcpt).join('')}C: DATA\n${ok(addresses.length + 1)}${SENT}`;

describe('deliver()', () => {
  test('gives every recipient a result, whatever became of the others', async () => {
    const results = await run({
      recipients: to('ann@b.test', 'bob@c.test', 'eve@null.test', 'joe@gone.test'),
      scripts: {
        '10.0.0.1': [all('ann@b.test')],
        '10.0.0.3': [
          `${HI}${MAIL}${rcpt('bob@c.test')}C: DATA\n${ok(1)}S: 550 5.1.1 no bob\nS: 503 none\nC: QUIT\nS: 221 bye`,
        ],
      },
    });
    expect(results).toEqual([
      'ann@b.test delivered mx1.b.test queued',
      'bob@c.test failed 5.1.1 mx.c.test 5.1.1 no bob',
      'eve@null.test failed 5.1.10 - domain "null.test" accepts no mail (null MX, 556)',
      'joe@gone.test failed 5.1.2 - domain "gone.test" does not exist',
    ]);
  });

  test('sends one transaction to all recipients of a destination', async () => {
    const results = await run({
      recipients: to('ann@b.test', 'bob@b.test'),
      scripts: { '10.0.0.1': [all('ann@b.test', 'bob@b.test')] },
    });
    expect(results).toEqual(['ann@b.test delivered mx1.b.test queued', 'bob@b.test delivered mx1.b.test queued']);
  });

  test('goes to the next host when the first is down', async () => {
    const results = await run({ recipients: to('ann@b.test'), scripts: { '10.0.0.2': [all('ann@b.test')] } });
    expect(results).toEqual(['ann@b.test delivered mx2.b.test queued']);
    expect(world?.tried).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  for (const [what, script] of [
    ['greets with 421', 'S: 421 busy\nC: QUIT'],
    ['greets with 554', 'S: 554 no\nC: QUIT'],
    ['is lost in the greeting', '--: close'],
    ['refuses EHLO and HELO', 'S: 220 mx\nC: EHLO client.test\nS: 502 no\nC: HELO client.test\nS: 502 no\nC: QUIT'],
    [
      'greylists',
      `${HI}${MAIL}${rcpt('ann@b.test')}C: DATA\n${ok(1)}S: 450 4.7.1 later\nS: 503 none\nC: QUIT\nS: 221 bye`,
    ],
    ['is lost at RCPT', `${HI}${MAIL}${rcpt('ann@b.test')}C: DATA\n${ok(1)}--: close`],
    ['takes no message of this size', `S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 SIZE 10\nC: QUIT\nS: 221 bye`],
  ] as const) {
    test(`goes to the next host when the first ${what}`, async () => {
      const results = await run({
        recipients: to('ann@b.test'),
        scripts: { '10.0.0.1': [script], '10.0.0.2': [all('ann@b.test')] },
      });
      expect(results).toEqual(['ann@b.test delivered mx2.b.test queued']);
    });
  }

  test('does not go to the next host after a recipient was refused for good', async () => {
    const results = await run({
      recipients: to('ann@b.test', 'bob@b.test'),
      scripts: {
        '10.0.0.1': [
          `${HI}${MAIL}${rcpt('ann@b.test')}${rcpt('bob@b.test')}C: DATA\n${ok(1)}S: 550 5.1.1 no\nS: 450 later\nS: 503 none\nC: QUIT\nS: 221 bye`,
        ],
        '10.0.0.2': [all('bob@b.test')],
      },
    });
    expect(results).toEqual(['ann@b.test failed 5.1.1 mx1.b.test 5.1.1 no', 'bob@b.test delivered mx2.b.test queued']);
  });

  test('does not go to the next host after the reply to the final dot was lost', async () => {
    const results = await run({
      recipients: to('ann@b.test'),
      scripts: {
        '10.0.0.1': [`${HI}${MAIL}${rcpt('ann@b.test')}C: DATA\n${ok(2)}S: 354 go\nC: <message>\nC: QUIT\n--: close`],
      },
    });
    expect(results[0]).toMatch(/^ann@b\.test deferred 4\.4\.2 mx1\.b\.test .*may have been delivered$/);
    expect(world?.tried).toEqual(['10.0.0.1']);
  });

  test('says HELO on a new connection where the server hung up on EHLO', async () => {
    const results = await run({
      recipients: to('ann@c.test'),
      scripts: {
        '10.0.0.3': [
          'S: 220 mx\nC: EHLO client.test\n--: close',
          `S: 220 mx\nC: HELO client.test\nS: 250 mx\n${MAIL}S: 250 ok\n${rcpt('ann@c.test')}S: 250 ok\nC: DATA\nS: 354 go\nC: <message>\nS: 250 queued\nC: QUIT\nS: 221 bye`,
        ],
      },
    });
    expect(results).toEqual(['ann@c.test delivered mx.c.test queued']);
  });

  test('goes on without TLS on a new connection where the handshake failed', async () => {
    const results = await run({
      recipients: to('ann@c.test'),
      scripts: {
        '10.0.0.3': [
          'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n--: tls-fails',
          all('ann@c.test').replace('S: 250-mx\n', 'S: 250-mx\nS: 250-STARTTLS\n'),
        ],
      },
    });
    expect(results).toEqual(['ann@c.test delivered mx.c.test queued']);
  });

  test('does not go on without TLS where it is required', async () => {
    const results = await run({
      recipients: to('ann@c.test'),
      scripts: {
        '10.0.0.3': [
          'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n--: tls-fails',
        ],
      },
      way: { settings: { ...settings(), tls: { ...DEFAULTS.tls, level: 'encrypt' } } },
    });
    expect(results[0]).toMatch(/^ann@c\.test deferred 4\.\d\.\d mx\.c\.test .* when starting TLS/);
    expect(world?.tried).toEqual(['10.0.0.3']);
  });

  test('sends those that the server had no room for in another transaction', async () => {
    const results = await run({
      recipients: to('ann@c.test', 'bob@c.test'),
      scripts: {
        '10.0.0.3': [
          `${HI}${MAIL}${rcpt('ann@c.test')}${rcpt('bob@c.test')}C: DATA\n${ok(2)}S: 452 4.5.3 too many\nS: 354 go\nC: <message>\nS: 250 first\n` +
            `${MAIL}${rcpt('bob@c.test')}C: DATA\n${ok(2)}S: 354 go\nC: <message>\nC: QUIT\nS: 250 second\nS: 221 bye`,
        ],
      },
    });
    expect(results).toEqual(['ann@c.test delivered mx.c.test first', 'bob@c.test delivered mx.c.test second']);
  });

  test('sends no more recipients in a transaction than the server or the settings allow', async () => {
    const script = (limits: string) =>
      `S: 220 mx\nC: EHLO client.test\nS: 250-mx\n${limits}S: 250 PIPELINING\n` +
      `${MAIL}${rcpt('a@c.test')}C: DATA\n${ok(2)}S: 354 go\nC: <message>\nS: 250 1\n` +
      `${MAIL}${rcpt('b@c.test')}C: DATA\n${ok(2)}S: 354 go\nC: <message>\nC: QUIT\nS: 250 2\nS: 221 bye`;
    const recipients = to('a@c.test', 'b@c.test');
    const want = ['a@c.test delivered mx.c.test 1', 'b@c.test delivered mx.c.test 2'];
    expect(await run({ recipients, scripts: { '10.0.0.3': [script('S: 250-LIMITS RCPTMAX=1\n')] } })).toEqual(want);
    await world?.close();
    const way = { settings: settings({ recipients: 1 }) };
    expect(await run({ recipients, scripts: { '10.0.0.3': [script('')] }, way })).toEqual(want);
  });

  test('opens another session where the server takes one transaction in each', async () => {
    const one = (address: string, name: string) =>
      `S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250-LIMITS MAILMAX=1 RCPTMAX=1\nS: 250 PIPELINING\n` +
      `${MAIL}${rcpt(address)}C: DATA\n${ok(2)}S: 354 go\nC: <message>\nC: QUIT\nS: 250 ${name}\nS: 221 bye`;
    const results = await run({
      recipients: to('a@c.test', 'b@c.test', 'd@c.test'),
      scripts: { '10.0.0.3': [one('a@c.test', '1'), one('b@c.test', '2'), one('d@c.test', '3')] },
    });
    expect(results.map((each) => each.slice(-1))).toEqual(['1', '2', '3']);
  });

  test('tries at most five addresses and two greeted sessions', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `mx${index}.many.test`);
    const zones: MockZones = {
      MX: { 'many.test': names.map((name, index) => `${index + 1} ${name}`) },
      A: Object.fromEntries(names.map((name, index) => [name, [`10.1.0.${index}`]])),
    };
    await run({ recipients: to('a@many.test'), scripts: {}, zones });
    expect(world?.tried).toEqual(['10.1.0.0', '10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4']);
    const lost = `${HI}${MAIL}${rcpt('a@many.test')}C: DATA\n--: close`;
    const scripts = Object.fromEntries(names.map((_, index) => [`10.1.0.${index}`, [lost]]));
    await run({
      recipients: to('a@many.test'),
      scripts: { '10.1.0.0': scripts['10.1.0.0']!, '10.1.0.1': scripts['10.1.0.1']! },
      zones,
    });
    expect(world?.tried).toEqual(['10.1.0.0', '10.1.0.1']);
  });

  test('keeps a transient failure where the last host failed for good', async () => {
    const results = await run({
      recipients: to('ann@b.test'),
      scripts: { '10.0.0.2': ['S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 SIZE 10\nC: QUIT\nS: 221 bye'] },
    });
    expect(results[0]).toMatch(/^ann@b\.test deferred 4\.4\.1 mx1\.b\.test /);
  });

  test('re-encodes 8-bit content for a server without 8BITMIME', async () => {
    const message = messageOf(
      'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nhello there, and many grüße\n',
      {
        eightBitBody: true,
      },
    );
    const results = await run({ recipients: to('ann@c.test'), scripts: { '10.0.0.3': [all('ann@c.test')] }, message });
    expect(results).toEqual(['ann@c.test delivered mx.c.test queued']);
    expect(world?.servers['10.0.0.3']?.messages[0]?.toString()).toMatch(
      /quoted-printable\r\n\r\nhello there, and many gr=C3=BC=C3=9Fe\r\n/,
    );
  });

  test('fails a signed message that would have to be re-encoded', async () => {
    const message = messageOf(
      'MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n--b\nContent-Transfer-Encoding: 8bit\n\ngrüße\n--b--\n',
      { eightBitBody: true },
    );
    const script = `${HI}C: QUIT\nS: 221 bye`;
    const results = await run({ recipients: to('ann@c.test'), scripts: { '10.0.0.3': [script] }, message });
    expect(results[0]).toMatch(/^ann@c\.test failed 5\.6\.3 mx\.c\.test /);
  });

  test('fails only the recipients that a server without SMTPUTF8 can not name', async () => {
    const results = await run({
      recipients: to('ann@c.test', 'jörg@c.test'),
      scripts: { '10.0.0.3': [all('ann@c.test')] },
    });
    expect(results[0]).toBe('ann@c.test delivered mx.c.test queued');
    expect(results[1]).toMatch(/^jörg@c\.test failed 5\.6\.7 mx\.c\.test /);
  });

  test('fails what requires TLS on the whole way where the MX is not secure', async () => {
    const recipients = to('ann@c.test');
    const envelope = { sender: null, recipients, requireTls: true };
    expect(await run({ recipients, scripts: {}, envelope })).toEqual([
      'ann@c.test failed 5.7.30 - TLS is required on the whole way, but neither DNSSEC nor an MTA-STS policy says which hosts are the right ones',
    ]);
  });

  test('defers everything once it is interrupted', async () => {
    world = await testWorld(ZONES, {});
    const recipients = to('ann@b.test', 'bob@c.test');
    const delivery = {
      message: messageOf(HELLO),
      envelope: { sender: null, recipients },
      ...oneWay({ settings: settings() }),
    };
    const results = await deliver(delivery, recipients, { world, signal: AbortSignal.abort() });
    expect(results.map(line)).toEqual([
      'ann@b.test deferred 4.3.2 - interrupted before delivery',
      'bob@c.test deferred 4.3.2 - interrupted before delivery',
    ]);
    expect(world.tried).toEqual([]);
  });

  test('defers at once what is being looked up when it is interrupted', async () => {
    world = await testWorld({ ...ZONES, hang: ['MX b.test', 'A mx.c.test', 'AAAA mx.c.test'] }, {});
    const recipients = to('ann@b.test', 'bob@c.test');
    const delivery = {
      message: messageOf(HELLO),
      envelope: { sender: null, recipients },
      ...oneWay({ settings: settings() }),
    };
    const stop = new AbortController();
    const delivered = deliver(delivery, recipients, { world, signal: stop.signal });
    setImmediate(() => stop.abort());
    expect((await delivered).map(line)).toEqual([
      'ann@b.test deferred 4.3.2 - interrupted before delivery',
      'bob@c.test deferred 4.3.2 mx.c.test interrupted before delivery',
    ]);
  });

  test('puts advice to failures, in what is settled as in what is returned', async () => {
    const full = `${HI}${MAIL}${rcpt('ann@c.test')}C: DATA\nS: 250 ok\nS: 552 5.2.2 full\nS: 503 none\nC: QUIT`;
    world = await testWorld(ZONES, { '10.0.0.3': [full] });
    const settled: DeliveryResult[] = [];
    const recipients = to('ann@c.test');
    const envelope = { sender: { local: 'me', domain: 'a.test' }, recipients };
    const delivery = {
      message: messageOf(HELLO),
      envelope,
      ...oneWay({ settings: settings(), helloName: 'client.test' }),
    };
    const onSettled = async (results: readonly DeliveryResult[]): Promise<void> => void settled.push(...results);
    const results = await deliver(delivery, recipients, { world, onSettled });
    expect(results).toMatchObject([
      { outcome: 'failed', failure: { advice: expect.stringMatching(/mailbox is full/) } },
    ]);
    expect(settled).toEqual(results);
  });
});
