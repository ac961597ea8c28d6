import { describe, expect, test } from 'vitest';
import { type AdvanceOptions, advance } from '../../src/queue/advance.ts';
import { DEFAULT_SCHEDULE } from '../../src/queue/schedule.ts';
import { deliveredTo, entryOf, failedFor, QUEUED, queuedOf, recipientOf } from '../support/entry.ts';

const at = (now: number): AdvanceOptions => ({ schedule: DEFAULT_SCHEDULE, now, random: () => 0.5 });
const bob = recipientOf('bob@example.net');
const cid = recipientOf('cid@example.net');

describe('a failure without a sender', () => {
  const report = (kind: 'failed' | 'delayed' | 'delivered' | 'digest', passed: number) => ({ kind, passed });
  test.each([
    ['a message', undefined, [], true],
    ['a bounce', report('failed', 0), ['failed to postmaster'], false],
    ['a digest', report('digest', 0), ['failed to postmaster'], false],
    ['what the postmaster got', report('failed', 1), [], true],
    ['a warning', report('delayed', 0), [], false],
    ['a confirmation', report('delivered', 0), [], false],
  ] as const)('of %s', (_, kind, told, kept) => {
    const entry = entryOf({ envelope: { sender: null }, ...(kind === undefined ? {} : { report: kind }) });
    const after = advance(entry, [failedFor(bob)], at(QUEUED));
    expect(after.reports.map(({ kind: what, to }) => `${what} to ${to}`)).toEqual(told);
    expect([after.done, after.keep]).toEqual([true, kept]);
  });

  test('is remembered until the other recipients are settled', () => {
    const entry = entryOf({
      envelope: { sender: null },
      recipients: [queuedOf('bob@example.net'), queuedOf('cid@example.net')],
    });
    const one = advance(entry, [failedFor(bob)], at(QUEUED));
    expect([one.done, one.keep]).toEqual([false, false]);
    const two = advance(one.entry, [deliveredTo(cid)], at(QUEUED));
    expect([two.done, two.keep]).toEqual([true, true]);
  });

  test('is nobody’s loss when NOTIFY=NEVER said so', () => {
    const recipient = { ...bob, notify: 'never' as const };
    const entry = entryOf({ envelope: { sender: null }, recipients: [queuedOf('', { recipient })] });
    expect(advance(entry, [failedFor(recipient)], at(QUEUED)).keep).toBe(false);
  });
});
