import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { parseVia } from '../../src/config/via.ts';
import { deliver, type Reach } from '../../src/delivery/deliver.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import type { Outlet, OutletVia } from '../../src/route/table.ts';
import { HELLO, messageOf } from '../support/message.ts';
import { oneWay } from '../support/one-way.ts';
import { type TestWorld, testWorld } from '../support/world.ts';

/* A rule with several ways: what has the next one tried, and what is final. */

let world: TestWorld | undefined;
afterEach(() => world?.close());

const settings = { ...DEFAULTS, tls: { ...DEFAULTS.tls, level: 'none' as const } };

function outlet(text: string): Outlet {
  const reading = parseVia(text);
  if ('reason' in reading || reading.via.kind === 'account') throw new Error(`no way: ${text}`);
  const via: OutletVia = reading.via;
  return { via, settings, login: {} };
}

const to = (address: string): Recipient => {
  const [local = '', domain = ''] = address.split('@');
  return { address: { local, domain } };
};

interface Case {
  readonly vias: readonly [string, ...string[]];
  readonly scripts: Readonly<Record<string, readonly string[]>>;
  readonly reach?: Reach;
}

/** A line for each recipient, and what was told as settled. */
async function run({ vias: [first, ...others], scripts, reach }: Case) {
  world = await testWorld({}, scripts);
  const recipients = [to('a@x.test'), to('b@y.test')];
  const way = oneWay({ settings, helloName: 'client.test' });
  const outlets = [outlet(first), ...others.map(outlet)] as const;
  const table = { rules: [], rest: { ...way.table.rest, outlets } };
  const settled: DeliveryResult[] = [];
  const delivery = { ...way, table, message: messageOf(HELLO), envelope: { sender: null, recipients } };
  const results = await deliver(delivery, recipients, {
    world,
    ...(reach === undefined ? {} : { reach }),
    onSettled: async (given) => void settled.push(...given),
  });
  expect(new Set(settled)).toEqual(new Set(results));
  return results.map((result) =>
    result.outcome === 'delivered'
      ? `delivered ${result.peer.host}`
      : `${result.outcome} ${result.failure.status} ${result.failure.stage}`,
  );
}

const HI = 'S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 PIPELINING\n';
const TAKES = `${HI}C: MAIL FROM:<>\nC: RCPT TO:<a@x.test>\nC: RCPT TO:<b@y.test>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 yes\nS: 221 bye`;
const TAKES_B = `${HI}C: MAIL FROM:<>\nC: RCPT TO:<b@y.test>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\nS: 250 yes\nS: 221 bye`;

describe('deliver() with several ways', () => {
  const vias = ['smtp://10.0.0.1', 'smtp://10.0.0.2'] as const;

  test('goes to the next one where the first can’t be reached', async () => {
    expect(await run({ vias, scripts: { '10.0.0.2': [TAKES] } })).toEqual(['delivered 10.0.0.2', 'delivered 10.0.0.2']);
  });

  test('goes to the next one where the first greets with 421 or refuses the login', async () => {
    const scripts = { '10.0.0.1': ['S: 421 later\nC: QUIT'], '10.0.0.2': [TAKES] };
    expect(await run({ vias, scripts })).toEqual(['delivered 10.0.0.2', 'delivered 10.0.0.2']);
  });

  test('takes what the first says of the message and of recipients as final', async () => {
    const first = `${HI}C: MAIL FROM:<>\nC: RCPT TO:<a@x.test>\nC: RCPT TO:<b@y.test>\nC: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 450 4.7.1 later\nS: 503 none\nC: QUIT\nS: 221 bye`;
    expect(await run({ vias, scripts: { '10.0.0.1': [first] } })).toEqual(['failed 5.1.1 rcpt', 'deferred 4.7.1 rcpt']);
  });

  test('never goes on with a message that may have been delivered', async () => {
    const first = `${HI}C: MAIL FROM:<>\nC: RCPT TO:<a@x.test>\nC: RCPT TO:<b@y.test>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: <message>\nC: QUIT\n--: close`;
    expect(await run({ vias, scripts: { '10.0.0.1': [first] } })).toEqual(['deferred 4.4.2 dot', 'deferred 4.4.2 dot']);
  });

  test('has the last one’s word where none can be reached', async () => {
    expect(await run({ vias: [...vias, 'smtp://10.0.0.3'], scripts: {} })).toEqual([
      'deferred 4.4.1 connect',
      'deferred 4.4.1 connect',
    ]);
  });

  test('may end with a place here', async () => {
    expect(await run({ vias: [vias[0], 'discard'], scripts: {} })).toEqual(['delivered discard', 'delivered discard']);
  });

  test('does not try one that is known to be down, unless it is the last', async () => {
    const learnt: string[] = [];
    const reach: Reach = { isDown: () => true, learn: (destination) => learnt.push(destination) };
    expect(await run({ vias, scripts: { '10.0.0.2': [TAKES] }, reach })).toEqual([
      'delivered 10.0.0.2',
      'delivered 10.0.0.2',
    ]);
    expect([world?.tried, learnt]).toEqual([['10.0.0.2'], []]);
  });
});

test('deliver() gives one recipient back where the other one was judged', async () => {
  const half = `${HI}C: MAIL FROM:<>\nC: RCPT TO:<a@x.test>\nC: RCPT TO:<b@y.test>\nC: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 421 4.3.2 going down\n--: close`;
  const vias = ['smtp://10.0.0.1', 'smtp://10.0.0.2'] as const;
  expect(await run({ vias, scripts: { '10.0.0.1': [half], '10.0.0.2': [TAKES_B] } })).toEqual([
    'failed 5.1.1 rcpt',
    'delivered 10.0.0.2',
  ]);
});
