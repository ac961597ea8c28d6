import { describe, expect, test } from 'vitest';
import type { DeliveryResult } from '../../src/mail/result.ts';
import { type Lane, openTraffic, type Traffic } from '../../src/queue/run-traffic.ts';
import { deferredFor, deliveredTo, failedFor, recipientOf } from '../support/entry.ts';

const LANE: Lane = { name: 'b.test' };
const bob = recipientOf('bob@b.test');
const DELIVERED: DeliveryResult = deliveredTo(bob);
const REFUSED = deferredFor(bob, { scope: 'host', stage: 'connect', status: '4.4.1', text: 'connection refused' });

const open = (): Traffic => openTraffic({ sessions: 4, each: 2, monotonic: () => 0 });

describe('Traffic', () => {
  test('lets one delivery try a destination that nothing is known of', () => {
    const traffic = open();
    expect(traffic.wait(LANE)).toBe(0);
    traffic.begin(LANE);
    expect(traffic.wait(LANE)).toBeUndefined();
    traffic.learn(LANE, [DELIVERED], 0);
    expect(traffic.wait(LANE)).toBe(0);
    traffic.begin(LANE);
    expect(traffic.wait(LANE)).toBeUndefined();
    traffic.end(LANE);
    expect(traffic.wait(LANE)).toBe(0);
  });

  test('lets so many deliveries begin in all', () => {
    const traffic = open();
    const lanes = ['a', 'b', 'c', 'd'].map((name) => ({ name }));
    for (const lane of lanes) traffic.begin(lane);
    expect(traffic.wait({ name: 'e' })).toBeUndefined();
    traffic.end({ name: 'a' });
    expect(traffic.wait({ name: 'e' })).toBe(0);
  });

  test('holds a destination for down until the probe is tried again', () => {
    const traffic = open();
    traffic.learn(LANE, [REFUSED], 5000);
    expect(traffic.down(LANE, 4999)).toMatchObject({ until: 5000, failure: { status: '4.4.1', scope: 'destination' } });
    expect(traffic.down({ name: 'c.test' }, 0)).toBeUndefined();
    expect(traffic.down(LANE, 5000)).toBeUndefined();
    expect(traffic.down(LANE, 4999)).toBeUndefined();
  });

  const down = (what: string, failure: Parameters<typeof deferredFor>[1], isDown: boolean) =>
    test(`${isDown ? 'holds' : 'does not hold'} a destination for down after ${what}`, () => {
      const traffic = open();
      traffic.learn(LANE, [deferredFor(bob, failure)], 5000);
      expect(traffic.down(LANE, 0) !== undefined).toBe(isDown);
    });
  down('a greeting of 421', { scope: 'host', stage: 'greeting' }, true);
  down('a look-up that failed', { scope: 'destination', stage: 'resolve' }, true);
  down('a login that was refused', { scope: 'host', stage: 'auth' }, true);
  down('greylisting', { stage: 'rcpt' }, false);
  down('a session that was lost behind the message', { scope: 'host', stage: 'dot' }, false);

  test('does not hold a destination for down where something was delivered, or a domain does not exist', () => {
    const traffic = open();
    traffic.learn(LANE, [DELIVERED, REFUSED], 5000);
    expect(traffic.down(LANE, 0)).toBeUndefined();
    traffic.learn(LANE, [failedFor(bob, { scope: 'destination', stage: 'resolve' })], 5000);
    expect(traffic.down(LANE, 0)).toBeUndefined();
  });

  test('tells the milliseconds until the rate allows another one', () => {
    const lane = { ...LANE, rate: { count: 1, per: 1000 } };
    const traffic = open();
    traffic.learn(lane, [DELIVERED], 0);
    expect(traffic.wait(lane)).toBe(0);
    traffic.begin(lane);
    expect(traffic.wait(lane)).toBe(1000);
  });
});
