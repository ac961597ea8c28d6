import { describe, expect, test } from 'vitest';
import { composeDigest } from '../../src/bounce/digest.ts';
import { type Bounce, dueDigests, EMPTY_GUARD, type GuardState, guard, nextDigestAt } from '../../src/bounce/guard.ts';
import { addressOf, QUEUED } from '../support/entry.ts';
import { HOUR, lostOf, requestOf } from './fixtures.ts';

const MINUTE = 60_000;
const limits = { count: 10, window: HOUR };

const bounceOf = (id: string, to = 'bob@example.net', sender = 'ann@example.org'): Bounce => ({
  entry: { id, envelope: { sender: addressOf(sender) } },
  request: requestOf([lostOf(to)]),
});

/** One bounce a minute for so many minutes: what became of each, and the state after them. */
function minutes(count: number, from = EMPTY_GUARD, start = 0): { decisions: string; state: GuardState } {
  let state = from;
  let decisions = '';
  for (let n = start; n < start + count; n++) {
    const now = QUEUED + n * MINUTE;
    const guarded = guard(state, bounceOf(`m${n}`), { now, limits });
    state = guarded.state;
    decisions += guarded.decision[0];
  }
  return { decisions, state };
}

describe('guard()', () => {
  test('sends ten in an hour, counts the others and sends a digest each hour', () => {
    expect(minutes(150).decisions).toBe(`${'s'.repeat(10)}${'c'.repeat(60)}d${'c'.repeat(60)}d${'c'.repeat(18)}`);
  });

  test('tells in the digest how many there were, since when, and which were the latest', () => {
    const { state } = minutes(70);
    const { storm } = guard(state, bounceOf('last'), { now: QUEUED + 70 * MINUTE, limits });
    expect(storm).toMatchObject({ kind: 'failed', counted: 61, since: QUEUED + 10 * MINUTE });
    expect(storm?.ids.length).toBe(20);
    expect(storm?.ids.at(-1)).toBe('last');
  });

  test('sends again when an hour went by', () => {
    const { state } = minutes(10);
    expect(guard(state, bounceOf('x'), { now: QUEUED + 69 * MINUTE + 1, limits }).decision).toBe('send');
  });

  test.each([
    ['another sender', bounceOf('x', 'bob@example.net', 'dee@example.org')],
    ['another recipient', bounceOf('x', 'cid@example.net')],
    ['another status', { ...bounceOf('x'), request: requestOf([lostOf('bob@example.net', { status: '5.2.2' })]) }],
    ['another kind', { ...bounceOf('x'), request: requestOf([lostOf('bob@example.net')], { kind: 'delayed' }) }],
    ['the postmaster', { ...bounceOf('x'), request: requestOf([lostOf('bob@example.net')], { to: 'postmaster' }) }],
  ] as const)('counts for itself what is about %s', (_, bounce) => {
    const { state } = minutes(10);
    const options = { now: QUEUED + 10 * MINUTE, limits };
    expect(guard(state, bounce, options).decision).toBe('send');
    expect(guard(state, bounceOf('x'), options).decision).toBe('count');
  });

  test('lets all pass when it is off', () => {
    const off = guard(minutes(10).state, bounceOf('x'), { now: QUEUED + 10 * MINUTE, limits: { ...limits, count: 0 } });
    expect(off.decision).toBe('send');
  });

  test('never falls silent when the clock goes back', () => {
    const { state } = minutes(15);
    expect(guard(state, bounceOf('x'), { now: QUEUED - 9000 * HOUR, limits }).decision).toBe('send');
    expect(dueDigests(state, { now: QUEUED - 9000 * HOUR, limits }).digests.length).toBe(1);
  });

  test('keeps a bounded part of what was said', () => {
    const reply = { code: 550, lines: Array.from({ length: 500 }, () => 'x'.repeat(5000)) };
    const lost = Array.from({ length: 1000 }, (_, n) => lostOf(`r${n}@example.net`, { reply, text: 'y'.repeat(5000) }));
    let state = EMPTY_GUARD;
    for (let n = 0; n < 12; n++) {
      const bounce = { ...bounceOf(`m${n}`), request: requestOf(lost) };
      ({ state } = guard(state, bounce, { now: QUEUED + n, limits }));
    }
    expect(Object.values(state.storms)).toMatchObject([{ counted: 2 }]);
    expect(JSON.stringify(state).length).toBeLessThan(15_000);
  });

  test('watches a bounded number of storms, and forgets the quiet ones first', () => {
    let { state } = minutes(15);
    for (let n = 0; n < 600; n++) {
      ({ state } = guard(state, bounceOf(`m${n}`, `r${n}@example.net`), { now: QUEUED + 20 * MINUTE + n, limits }));
    }
    expect(Object.keys(state.storms).length).toBe(500);
    expect(Object.values(state.storms).filter(({ counted }) => counted === 5).length).toBe(1);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});

describe('dueDigests()', () => {
  test('gives what was counted an hour ago when no more bounces come, once', () => {
    const { state } = minutes(15);
    expect(nextDigestAt(state, limits)).toBe(QUEUED + 70 * MINUTE);
    expect(dueDigests(state, { now: QUEUED + 69 * MINUTE, limits })).toEqual({ digests: [], state });
    const due = dueDigests(state, { now: QUEUED + 70 * MINUTE, limits });
    expect(due.digests.map(({ counted }) => counted)).toEqual([5]);
    expect(dueDigests(due.state, { now: QUEUED + 71 * MINUTE, limits }).digests).toEqual([]);
  });

  test('forgets storms that have passed', () => {
    const { state } = minutes(10);
    expect(dueDigests(state, { now: QUEUED + 80 * MINUTE, limits }).state).toEqual(EMPTY_GUARD);
    expect(nextDigestAt(state, limits)).toBeUndefined();
  });
});

describe('composeDigest()', () => {
  const how = { now: QUEUED, zone: 0, random: () => 0.5, fqdn: 'host.example.org' };
  const [storm] = dueDigests(minutes(15).state, { now: QUEUED + 70 * MINUTE, limits }).digests;

  test('goes from nobody to the sender, as a digest', () => {
    expect(composeDigest(storm!, how)).toMatchObject({
      envelope: { sender: null, recipients: [{ address: addressOf('ann@example.org') }] },
      report: { kind: 'digest', passed: 0 },
    });
  });

  test('is none when there is nobody to read it', () => {
    expect(composeDigest({ ...storm!, sender: null }, how)).toBeUndefined();
    expect(composeDigest({ ...storm!, to: 'postmaster' }, how)).toBeUndefined();
  });

  test('goes on to the postmaster once', () => {
    const postmaster = addressOf('postmaster@example.org');
    const digest = composeDigest({ ...storm!, to: 'postmaster', sender: null }, { ...how, postmaster });
    expect(digest).toMatchObject({ envelope: { recipients: [{ address: postmaster }] }, report: { passed: 1 } });
  });
});
