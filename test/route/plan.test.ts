import { expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { parseRelay } from '../../src/config/relay.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import { nameOf, planRoutes } from '../../src/route/plan.ts';
import { oneWay } from '../support/one-way.ts';

const { table: MX } = oneWay({ settings: DEFAULTS });
const FROM = { sender: null, uid: 1000 };

const recipient = (text: string): Recipient => {
  const at = text.lastIndexOf('@');
  return { address: { local: text.slice(0, at), domain: text.slice(at + 1) } };
};
const textOf = ({ address }: Recipient): string => `${address.local}@${address.domain}`;

test('planRoutes() groups recipients by destination and keeps their order', () => {
  const texts = [
    'a@x.test',
    'b@y.test',
    'c@X.TEST',
    'd@[192.0.2.1]',
    'e@y.test.',
    'f@[IPv6:2001:db8::1]',
    'g@[192.0.2.1]',
  ];
  const plans = planRoutes(texts.map(recipient), MX, FROM);
  expect(
    plans.map(({ destination, recipients }) => [destination.via, nameOf(destination), recipients.map(textOf)]),
  ).toEqual([
    ['mx', 'x.test', ['a@x.test', 'c@X.TEST']],
    ['mx', 'y.test', ['b@y.test', 'e@y.test.']],
    ['address', '[192.0.2.1]', ['d@[192.0.2.1]', 'g@[192.0.2.1]']],
    ['address', '[ipv6:2001:db8::1]', ['f@[IPv6:2001:db8::1]']],
  ]);
});

test('planRoutes() gives all to the relay where there is one', () => {
  const reading = parseRelay('smtps://ann@mx.test');
  if ('reason' in reading) throw new Error(reading.reason);
  const recipients = ['a@x.test', 'b@[192.0.2.1]'].map(recipient);
  const { table } = oneWay({ settings: DEFAULTS, via: { kind: 'relay', relay: reading.relay } });
  const plans = planRoutes(recipients, table, FROM);
  expect(plans).toMatchObject([{ destination: { via: 'relay', relay: reading.relay }, recipients }]);
  expect(plans.map(({ destination }) => nameOf(destination))).toEqual(['smtps://mx.test:465']);
  expect(planRoutes([], table, FROM)).toEqual([]);
});

test('planRoutes() stays linear with many recipients (N30)', () => {
  const many = Array.from({ length: 20_000 }, (_, at) => recipient(`u@d${at % 5000}.test`));
  expect(planRoutes(many, MX, FROM)).toHaveLength(5000);
  expect(planRoutes([recipient('u@__proto__'), recipient('u@constructor')], MX, FROM)).toHaveLength(2);
});
