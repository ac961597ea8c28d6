import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ageOf,
  DEFAULT_SCHEDULE,
  dueAt,
  entryDueAt,
  nextAttempt,
  preferredAddress,
  type Schedule,
} from '../../src/queue/schedule.ts';
import { entryOf, failureOf, GREYLISTED, QUEUED, queuedOf } from '../support/entry.ts';

const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;
const middle = () => 0.5;
const steady: Schedule = { ...DEFAULT_SCHEDULE, jitter: 0 };

describe('nextAttempt()', () => {
  test.each([
    [0, 1],
    [1, 1],
    [2, 5],
    [3, 15],
    [4, 30],
    [5, 60],
    [6, 120],
    [7, 120],
    [1000, 120],
  ])('waits after attempt %i for %i minutes', (attempts, minutes) => {
    const now = QUEUED + 1000 * MINUTE;
    expect(nextAttempt(steady, { attempts, queued: QUEUED, now, random: middle }) - now).toBe(minutes * MINUTE);
  });

  test.each([
    [0, 54],
    [0.5, 60],
    [0.999, 66],
  ])('moves an hour by chance %d to %i minutes', (chance, minutes) => {
    const now = QUEUED + 1000 * MINUTE;
    const next = nextAttempt(DEFAULT_SCHEDULE, { attempts: 5, queued: QUEUED, now, random: () => chance });
    expect(Math.round((next - now) / MINUTE)).toBe(minutes);
  });

  test('falls right behind the hour of the warning and of the expiry when a pause would pass them', () => {
    const at = (now: number) => nextAttempt(steady, { attempts: 9, queued: QUEUED, now, random: middle });
    expect(at(QUEUED + 200 * MINUTE)).toBe(QUEUED + 240 * MINUTE);
    expect(at(QUEUED + 240 * MINUTE)).toBe(QUEUED + 360 * MINUTE);
    expect(at(QUEUED + 7190 * MINUTE)).toBe(QUEUED + 7200 * MINUTE);
    expect(at(QUEUED + 7200 * MINUTE)).toBe(QUEUED + 7320 * MINUTE);
  });

  test('does not look at the warning when that is off', () => {
    const now = QUEUED + 200 * MINUTE;
    const next = nextAttempt({ ...steady, warn: 0 }, { attempts: 9, queued: QUEUED, now, random: middle });
    expect(next).toBe(QUEUED + 320 * MINUTE);
  });

  test('is later than now and no further than the longest pause, whatever clock and settings say', () => {
    const times = fc.integer({ min: QUEUED - 2 * YEAR, max: QUEUED + 2 * YEAR });
    fc.assert(
      fc.property(
        times,
        times,
        fc.integer({ min: 0, max: 100 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.constantFrom(DEFAULT_SCHEDULE, steady, { retry: [0], jitter: 1, expire: 0, warn: 0 }),
        (queued, now, attempts, chance, schedule) => {
          const next = nextAttempt(schedule, { attempts, queued, now, random: () => chance });
          expect(next).toBeGreaterThanOrEqual(now + 1000);
          expect(next).toBeLessThanOrEqual(now + 132 * MINUTE);
        },
      ),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('a clock that jumps', () => {
  test('dueAt() is now when the next attempt is further away than any pause', () => {
    const recipient = queuedOf('bob@example.net', { nextAttempt: QUEUED + 120 * MINUTE });
    expect(dueAt(recipient, DEFAULT_SCHEDULE, QUEUED)).toBe(QUEUED + 120 * MINUTE);
    expect(dueAt(recipient, DEFAULT_SCHEDULE, QUEUED - YEAR)).toBe(QUEUED - YEAR);
    expect(dueAt(recipient, DEFAULT_SCHEDULE, QUEUED + YEAR)).toBeLessThan(QUEUED + YEAR);
  });

  test('ageOf() is never negative', () => {
    expect(ageOf({ queued: QUEUED }, QUEUED - YEAR)).toBe(0);
    expect(ageOf({ queued: QUEUED }, QUEUED + 5)).toBe(5);
  });
});

describe('entryDueAt()', () => {
  const two = [
    queuedOf('a@example.net', { nextAttempt: QUEUED + 1 }),
    queuedOf('b@example.net', { nextAttempt: QUEUED, state: 'failed' }),
    queuedOf('c@example.net', { nextAttempt: QUEUED + 2 }),
  ];

  test('is the time of the first pending recipient', () => {
    expect(entryDueAt(entryOf({ recipients: two }), DEFAULT_SCHEDULE, QUEUED)).toBe(QUEUED + 1);
  });

  test('is none for an entry that is held or has nobody pending', () => {
    expect(entryDueAt(entryOf({ recipients: two, held: true }), DEFAULT_SCHEDULE, QUEUED)).toBeUndefined();
    expect(entryDueAt(entryOf({ recipients: two.slice(1, 2) }), DEFAULT_SCHEDULE, QUEUED)).toBeUndefined();
  });
});

describe('preferredAddress()', () => {
  const greylisted = queuedOf('bob@example.net', { attempts: 1, last: failureOf(GREYLISTED) });

  test('is where a transient answer to the envelope came from', () => {
    expect(preferredAddress(greylisted)).toEqual({ host: 'mx.example.net', address: '192.0.2.25' });
  });

  test.each([
    ['the first hour is over', { ...greylisted, attempts: 6 }],
    ['nothing failed yet', queuedOf('bob@example.net')],
    ['it is not pending', { ...greylisted, state: 'removed' as const }],
    [
      'the host was shutting down',
      { ...greylisted, last: failureOf({ ...GREYLISTED, reply: { code: 421, lines: [''] } }) },
    ],
    ['the host could not be greeted', { ...greylisted, last: failureOf({ ...GREYLISTED, stage: 'greeting' }) }],
  ])('is none when %s', (_, recipient) => {
    expect(preferredAddress(recipient)).toBeUndefined();
  });
});
