import { expect, test } from 'vitest';
import { advance } from '../../src/queue/advance.ts';
import { DEFAULT_SCHEDULE, entryDueAt } from '../../src/queue/schedule.ts';
import { deferredFor, entryOf, QUEUED } from '../support/entry.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('an entry that nobody takes is tried for five days, warned of once and bounced', () => {
  const options = { schedule: { ...DEFAULT_SCHEDULE, jitter: 0 }, random: () => 0.5 };
  let entry = entryOf();
  let now = QUEUED;
  const attempts: number[] = [];
  const told: string[] = [];
  for (let done = false; !done; ) {
    attempts.push((now - QUEUED) / MINUTE);
    const pending = entry.recipients.map(({ recipient }) => deferredFor(recipient));
    const after = advance(entry, pending, { ...options, now });
    told.push(...after.reports.map(({ kind, to }) => `${kind} to ${to} at ${(now - QUEUED) / HOUR} h`));
    ({ entry, done } = after);
    now = entryDueAt(entry, options.schedule, now) ?? now;
  }

  expect(attempts.slice(0, 10)).toEqual([0, 1, 6, 21, 51, 111, 231, 240, 360, 480]);
  expect(attempts.at(-1)).toBe(120 * 60);
  expect(attempts.length).toBe(66);
  expect(told).toEqual(['delayed to sender at 4 h', 'failed to sender at 120 h']);
  expect(entry.recipients).toMatchObject([
    {
      state: 'failed',
      attempts: 66,
      warned: true,
      last: {
        status: '4.4.7',
        permanent: true,
        text: 'not delivered in 5 days: refused when sending RCPT',
        reply: { code: 451 },
      },
    },
  ]);
  expect(entry.recipients[0]?.history.length).toBe(20);
});
