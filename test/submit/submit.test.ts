import { describe, expect, it } from 'vitest';
import type { ReportRequest } from '../../src/bounce/request.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import { memorySource } from '../../src/message/source.ts';
import type { QueueEvent } from '../../src/queue/event.ts';
import { DEFAULT_SCHEDULE } from '../../src/queue/schedule.ts';
import type { Spool } from '../../src/queue/spool.ts';
import { SpoolError } from '../../src/queue/spool-error.ts';
import { type DeliveryMode, type Submission, type SubmitRooms, submit } from '../../src/submit/submit.ts';
import { addressOf, deferredFor, deliveredTo, failedFor, QUEUED, recipientOf } from '../support/entry.ts';
import { testSpool } from '../support/spool.ts';

const ANN = recipientOf('ann@a.test');
const BOB = recipientOf('bob@b.test');
const EVE = recipientOf('eve@e.test');

const submission = (recipients: readonly Recipient[]): Submission => ({
  message: {
    header: Buffer.from('Subject: hi\r\n\r\n'),
    body: memorySource(Buffer.from('hello\n')),
    facts: { size: 22, eightBitHeader: false, eightBitBody: false, longestLine: 11, nul: false },
  },
  envelope: { sender: addressOf('me@x.test'), recipients, id: 'E1' },
  way: { port: 2525 },
  uid: 7,
  messageId: '<1@x.test>',
});

interface Play {
  readonly recipients?: readonly Recipient[];
  /** The results of each attempt. */
  readonly attempts?: readonly (readonly DeliveryResult[])[];
  readonly interrupted?: boolean;
  readonly over?: Partial<SubmitRooms>;
}

async function play(
  mode: DeliveryMode,
  { recipients = [ANN, BOB, EVE], attempts = [], interrupted = false, over }: Play,
) {
  const { spool } = await testSpool();
  const steps: string[] = [];
  const events: QueueEvent[] = [];
  const reports: ReportRequest[] = [];
  const rooms: SubmitRooms = {
    schedule: () => DEFAULT_SCHEDULE,
    now: () => QUEUED,
    random: () => 0.5,
    async attempt() {
      steps.push('attempt');
      return { attempts: attempts.map((results, index) => ({ ended: QUEUED + index * 1000, results })), interrupted };
    },
    isStorable: (result) => result.outcome === 'deferred',
    async openSpool() {
      steps.push('spool');
      return spool;
    },
    async startRunner(given: Spool) {
      steps.push(given === spool && (await spool.ids()).length > 0 ? 'runner' : 'runner too early');
    },
    async report(_, entry, request) {
      steps.push(`report ${entry.id === '' ? 'unstored' : 'stored'}`);
      reports.push(request);
    },
    log: (event) => events.push(event),
    ...over,
  };
  const submitted = await submit(submission(recipients), mode, rooms);
  const ids = await spool.ids();
  const entry = await spool.read(ids[0] ?? '');
  return { submitted, steps, events, reports, entry, ids };
}

const broken = async (): Promise<Spool> => {
  throw new SpoolError('Cannot open spool: no permission', 73);
};

describe('submit() interactively', () => {
  it('needs no spool when all is delivered', async () => {
    const { submitted, steps } = await play('interactive', {
      attempts: [[ANN, BOB, EVE].map((to) => deliveredTo(to))],
    });
    expect([steps, submitted.entry]).toEqual([['attempt'], undefined]);
  });

  it('stores those that are deferred, and only those', async () => {
    const { submitted, steps, entry, events } = await play('interactive', {
      attempts: [[deliveredTo(ANN), deferredFor(BOB), failedFor(EVE)]],
    });
    expect(steps).toEqual(['attempt', 'spool', 'runner']);
    expect(entry).toEqual(submitted.entry);
    expect(entry).toMatchObject({
      queued: QUEUED,
      envelope: { sender: addressOf('me@x.test'), id: 'E1' },
      way: { port: 2525 },
      uid: 7,
      message: { messageId: '<1@x.test>', headerSize: 15, facts: { size: 22 } },
    });
    expect(entry?.recipients).toMatchObject([
      { recipient: BOB, state: 'pending', attempts: 1, nextAttempt: QUEUED + 60_000, last: { status: '4.7.1' } },
    ]);
    expect(events).toEqual([
      {
        ...{ event: 'accepted', time: QUEUED, id: entry?.id, sender: 'me@x.test', recipients: ['bob@b.test'] },
        ...{ size: 22, uid: 7, messageId: '<1@x.test>' },
      },
    ]);
  });

  it('keeps the history of all attempts in the foreground', async () => {
    const attempts = [[deliveredTo(ANN), deferredFor(BOB)], [deferredFor(BOB, { text: 'again' })]];
    const { entry } = await play('interactive', { recipients: [ANN, BOB], attempts });
    expect(entry?.recipients[0]).toMatchObject({ attempts: 2, last: { text: 'again' }, history: [{ at: QUEUED }, {}] });
  });

  it('stores nothing when a signal ended it', async () => {
    const { submitted, ids, steps } = await play('interactive', {
      attempts: [[deferredFor(ANN), deferredFor(BOB), deferredFor(EVE)]],
      interrupted: true,
    });
    expect([ids, steps, submitted.trouble]).toEqual([[], ['attempt'], undefined]);
  });

  it('stores nothing that is not worth it', async () => {
    const attempts = [[deferredFor(ANN), deferredFor(BOB), deferredFor(EVE)]];
    const none = await play('interactive', { attempts, over: { isStorable: () => false } });
    expect([none.ids, none.steps]).toEqual([[], ['attempt']]);
  });

  it('gives back the trouble with the spool, and the results', async () => {
    const attempts = [[deliveredTo(ANN), deferredFor(BOB), deliveredTo(EVE)]];
    const { submitted } = await play('interactive', { attempts, over: { openSpool: broken } });
    expect(submitted.attempts).toHaveLength(1);
    expect([submitted.entry, submitted.trouble]).toEqual([undefined, expect.objectContaining({ exit: 73 })]);
  });

  it('reports success that was asked for and that no server tells of', async () => {
    const wish = { ...ANN, notify: ['success'] } as const;
    const { steps, reports, ids } = await play('interactive', { recipients: [wish], attempts: [[deliveredTo(wish)]] });
    expect(reports).toMatchObject([{ kind: 'relayed', to: 'sender', recipients: [{ recipient: wish }] }]);
    expect([steps.slice(0, 3), ids]).toEqual([['attempt', 'spool', 'report unstored'], []]);
    const told = await play('interactive', { recipients: [wish], attempts: [[deliveredTo(wish, { dsn: true })]] });
    expect(told.steps).toEqual(['attempt']);
  });

  it('makes no bounce of what the caller is told', async () => {
    const { steps, reports } = await play('interactive', { recipients: [ANN], attempts: [[failedFor(ANN)]] });
    expect([steps, reports]).toEqual([['attempt'], []]);
  });
});

describe('submit() in the background', () => {
  it('stores all recipients before a runner is started, and tries none', async () => {
    const { steps, entry, submitted } = await play('background', {});
    expect(steps).toEqual(['spool', 'runner']);
    expect(entry?.recipients.map(({ recipient }) => recipient)).toEqual([ANN, BOB, EVE]);
    expect(entry?.recipients.map(({ attempts, nextAttempt }) => [attempts, nextAttempt])).toEqual(
      Array.from({ length: 3 }, () => [0, QUEUED]),
    );
    expect(submitted.attempts).toEqual([]);
  });

  it('tries at once when the spool can’t be used', async () => {
    const { submitted, steps } = await play('background', {
      attempts: [[deliveredTo(ANN), deferredFor(BOB), failedFor(EVE)]],
      over: { openSpool: broken },
    });
    expect(steps).toEqual(['attempt']);
    expect(submitted).toMatchObject({ attempts: [{}], trouble: { exit: 73 } });
  });
});

describe('submit() into the queue', () => {
  it('stores all recipients, and starts nothing', async () => {
    const { steps, ids } = await play('queue', {});
    expect([steps, ids.length]).toEqual([['spool'], 1]);
  });

  it('does not try when the spool can’t be used', async () => {
    const { submitted, steps } = await play('queue', { over: { openSpool: broken } });
    expect(steps).toEqual([]);
    expect(submitted).toMatchObject({ attempts: [], trouble: { exit: 73 } });
  });
});
