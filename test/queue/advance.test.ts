import { describe, expect, test } from 'vitest';
import type { Notify } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import { type AdvanceOptions, advance, expire } from '../../src/queue/advance.ts';
import { DEFAULT_SCHEDULE } from '../../src/queue/schedule.ts';
import { deferredFor, deliveredTo, entryOf, failedFor, QUEUED, queuedOf, recipientOf } from '../support/entry.ts';

const HOUR = 3_600_000;
const LATE = QUEUED + 5 * HOUR;
const OVER = QUEUED + 121 * HOUR;
const at = (now: number): AdvanceOptions => ({ schedule: DEFAULT_SCHEDULE, now, random: () => 0.5 });
const bob = recipientOf('bob@example.net');
const cid = recipientOf('cid@example.net');

/** What becomes of one recipient, at an hour. */
type Fate = 'failed' | 'late' | 'expired' | 'soon' | 'plain server' | 'DSN server' | 'mailbox';
const FATES: Readonly<Record<Fate, (r: typeof bob) => readonly [DeliveryResult, number]>> = {
  failed: (r) => [failedFor(r), QUEUED],
  soon: (r) => [deferredFor(r), QUEUED],
  late: (r) => [deferredFor(r), LATE],
  expired: (r) => [deferredFor(r), OVER],
  'plain server': (r) => [deliveredTo(r, { dsn: false }), QUEUED],
  'DSN server': (r) => [deliveredTo(r, { dsn: true }), QUEUED],
  mailbox: (r) => [deliveredTo(r, { dsn: false, final: true }), QUEUED],
};

const reported = (notify: Notify | undefined, fate: Fate, sender: 'ann' | 'nobody' = 'ann') => {
  const recipient = notify === undefined ? bob : { ...bob, notify };
  const [result, now] = FATES[fate](recipient);
  const entry = entryOf({ recipients: [queuedOf('', { recipient })] });
  const envelope = sender === 'ann' ? entry.envelope : { sender: null };
  return advance({ ...entry, envelope }, [result], at(now))
    .reports.map(({ kind }) => kind)
    .join();
};

describe('who is told (RFC 3461)', () => {
  const none = '';
  test.each<[Notify | undefined, Readonly<Record<Fate, string>>]>([
    [
      undefined,
      {
        failed: 'failed',
        soon: none,
        late: 'delayed',
        expired: 'failed',
        'plain server': none,
        'DSN server': none,
        mailbox: none,
      },
    ],
    [
      'never',
      { failed: none, soon: none, late: none, expired: none, 'plain server': none, 'DSN server': none, mailbox: none },
    ],
    [
      ['failure'],
      {
        failed: 'failed',
        soon: none,
        late: none,
        expired: 'failed',
        'plain server': none,
        'DSN server': none,
        mailbox: none,
      },
    ],
    [
      ['delay'],
      {
        failed: none,
        soon: none,
        late: 'delayed',
        expired: none,
        'plain server': none,
        'DSN server': none,
        mailbox: none,
      },
    ],
    [
      ['success'],
      {
        failed: none,
        soon: none,
        late: none,
        expired: none,
        'plain server': 'relayed',
        'DSN server': none,
        mailbox: 'delivered',
      },
    ],
    [
      ['success', 'failure', 'delay'],
      {
        failed: 'failed',
        soon: none,
        late: 'delayed',
        expired: 'failed',
        'plain server': 'relayed',
        'DSN server': none,
        mailbox: 'delivered',
      },
    ],
  ])('NOTIFY %j', (notify, want) => {
    for (const fate of ['failed', 'soon', 'late', 'expired', 'plain server', 'DSN server', 'mailbox'] as const) {
      expect([fate, reported(notify, fate)]).toEqual([fate, want[fate]]);
      expect([fate, reported(notify, fate, 'nobody')]).toEqual([fate, none]);
    }
  });
});

describe('advance()', () => {
  const three = entryOf({ recipients: ['bob', 'cid', 'dee'].map((name) => queuedOf(`${name}@example.net`)) });
  const [first, second, third] = three.recipients.map(({ recipient }) => recipient);

  test('settles each recipient by its own result and keeps only the deferred one pending', () => {
    const { entry, reports, done, keep } = advance(
      three,
      [deliveredTo(first!), failedFor(second!), deferredFor(third!)],
      at(QUEUED),
    );
    expect(entry.recipients.map(({ state }) => state)).toEqual(['delivered', 'failed', 'pending']);
    expect(entry.recipients.map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
    expect(entry.recipients[2]).toMatchObject({ nextAttempt: QUEUED + 60_000, last: { status: '4.7.1' } });
    expect(reports).toEqual([{ kind: 'failed', to: 'sender', recipients: [entry.recipients[1]] }]);
    expect([done, keep]).toEqual([false, false]);
  });

  test('changes nothing for those without a result, nor for those that are settled', () => {
    const before = advance(three, [deliveredTo(first!), failedFor(second!)], at(QUEUED)).entry;
    const after = advance(before, [failedFor(first!), deliveredTo(second!), failedFor(cid)], at(LATE));
    expect(after.entry.recipients).toEqual(before.recipients);
    expect(after.reports).toEqual([]);
    expect(after.events).toEqual([]);
  });

  test('does not bring a removed recipient back', () => {
    const removed = entryOf({ recipients: [queuedOf('bob@example.net', { state: 'removed' })] });
    expect(advance(removed, [deferredFor(bob)], at(QUEUED))).toMatchObject({ done: true, keep: false, entry: removed });
  });

  test('finds the recipients again when the entry was read anew, twins too', () => {
    const twins = entryOf({ recipients: [queuedOf('bob@example.net'), queuedOf('bob@example.net')] });
    const { entry } = advance(twins, [deferredFor(bob), failedFor(bob), failedFor(bob)], at(QUEUED));
    expect(entry.recipients.map(({ state }) => state)).toEqual(['pending', 'failed']);
  });

  test('gives recipients of one attempt the same next time', () => {
    let n = 0;
    const options = { ...at(QUEUED), random: () => n++ / 10 };
    const { entry } = advance(three, [deferredFor(first!), deferredFor(third!)], options);
    expect(entry.recipients[0]?.nextAttempt).toBe(entry.recipients[2]?.nextAttempt);
  });

  test('warns once', () => {
    const once = advance(entryOf(), [deferredFor(bob)], at(LATE));
    expect(once.entry.recipients[0]?.warned).toBe(true);
    expect(advance(once.entry, [deferredFor(bob)], at(LATE + HOUR)).reports).toEqual([]);
  });

  test('keeps the latest 20 attempts, and a bounded part of what was said', () => {
    const reply = { code: 450, lines: Array.from({ length: 500 }, () => 'x'.repeat(5000)) };
    let entry = entryOf();
    for (let n = 0; n < 25; n++) {
      ({ entry } = advance(entry, [deferredFor(bob, { reply, text: 'y'.repeat(9999) })], at(QUEUED + n)));
    }
    expect(entry.recipients[0]?.history.map(({ at: time }) => time - QUEUED)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 5),
    );
    expect(entry.recipients[0]?.history[0]).toMatchObject({
      outcome: 'deferred',
      status: '4.7.1',
      host: 'mx.example.net',
    });
    expect(JSON.stringify(entry).length).toBeLessThan(35_000);
  });

  test('begins the clock anew when the message was queued in the future', () => {
    const { entry } = advance(entryOf(), [deferredFor(bob)], at(QUEUED - 1000 * HOUR));
    expect(entry.queued).toBe(QUEUED - 1000 * HOUR);
    expect(entry.recipients[0]).toMatchObject({ state: 'pending', nextAttempt: QUEUED - 1000 * HOUR + 60_000 });
  });

  test('expires after an attempt when the clock went a year ahead, and not without one', () => {
    const year = 8760 * HOUR;
    const { entry } = advance(entryOf(), [deferredFor(bob)], at(QUEUED + year));
    expect(entry.recipients[0]).toMatchObject({ state: 'failed', last: { status: '4.4.7', reply: { code: 451 } } });
  });
});

describe('expire()', () => {
  test('fails who is pending when the time is over, with the last reason', () => {
    const before = advance(entryOf(), [deferredFor(bob)], at(LATE)).entry;
    const { entry, reports, events, done } = expire(before, at(OVER));
    expect(entry.recipients[0]).toMatchObject({
      state: 'failed',
      attempts: 1,
      last: {
        status: '4.4.7',
        permanent: true,
        reply: { code: 451 },
        text: 'not delivered in 5 days: refused when sending RCPT',
      },
    });
    expect(reports.map(({ kind }) => kind)).toEqual(['failed']);
    expect(events.map(({ event }) => event)).toEqual(['expired']);
    expect(done).toBe(true);
  });

  test('says so when there never was an attempt', () => {
    const { entry } = expire(entryOf(), at(OVER));
    expect(entry.recipients[0]?.last).toMatchObject({
      status: '4.4.7',
      text: 'not delivered in 5 days: it was never tried',
    });
  });

  test('changes nothing before', () => {
    expect(expire(entryOf(), at(LATE))).toMatchObject({ entry: entryOf(), reports: [], events: [], done: false });
  });
});
