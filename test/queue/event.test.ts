import { describe, expect, test } from 'vitest';
import { type AdvanceOptions, advance } from '../../src/queue/advance.ts';
import { eventLine } from '../../src/queue/event.ts';
import { DEFAULT_SCHEDULE } from '../../src/queue/schedule.ts';
import { deferredFor, deliveredTo, entryOf, failedFor, QUEUED, queuedOf, recipientOf } from '../support/entry.ts';

const at = (now: number): AdvanceOptions => ({ schedule: DEFAULT_SCHEDULE, now, random: () => 0.5 });
const bob = recipientOf('bob@example.net');
const cid = recipientOf('cid@example.net');

describe('events', () => {
  test('tell the attempt and each result, one JSON line each', () => {
    const entry = entryOf({ recipients: [queuedOf('bob@example.net'), queuedOf('cid@example.net')] });
    const { events } = advance(entry, [deliveredTo(bob), deferredFor(cid, { uncertain: true })], at(QUEUED));
    expect(events.map((event) => JSON.parse(eventLine(event)))).toEqual([
      { time: '2026-11-22T20:11:31.000Z', event: 'attempt', id: 'q1', delivered: 1, deferred: 1, failed: 0 },
      {
        ...{
          time: '2026-11-22T20:11:31.000Z',
          event: 'delivered',
          id: 'q1',
          attempts: 1,
          recipient: 'bob@example.net',
        },
        ...{
          status: '2.0.0',
          code: 250,
          text: '2.0.0 Ok: queued as 4XyZ',
          host: 'mx.example.net',
          address: '192.0.2.25',
        },
      },
      {
        ...{ time: '2026-11-22T20:11:31.000Z', event: 'deferred', id: 'q1', attempts: 1, recipient: 'cid@example.net' },
        ...{ status: '4.7.1', code: 451, text: '4.7.1 Greylisted, come again', host: 'mx.example.net' },
        ...{ address: '192.0.2.25', nextAttempt: '2026-11-22T20:12:31.000Z', uncertain: true },
      },
    ]);
  });

  test('eventLine() writes one bounded line without controls, whatever was said', () => {
    const reply = { code: 550, lines: ['a\r\nb\0\x1b[2J\x9b\u2028\u202e\ud83d', 'z'.repeat(60_000)] };
    const { events } = advance(entryOf(), [failedFor(bob, { reply })], at(QUEUED));
    for (const line of events.map(eventLine)) {
      expect(line).toMatch(/^\{[^\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]*\}\n$/);
      expect(line.length).toBeLessThan(1500);
    }
  });

  test('eventLine() has a word for a time that no date can hold', () => {
    expect(eventLine({ event: 'done', time: Number.NaN, id: 'q1' })).toBe('{"time":"NaN","event":"done","id":"q1"}\n');
  });
});
