import { composeDigest } from '../../src/bounce/digest.ts';
import { DEFAULT_GUARD, EMPTY_GUARD, type GuardState, guard, type Storm } from '../../src/bounce/guard.ts';
import { composeReport, type Report } from '../../src/bounce/report.ts';
import type { Failure } from '../../src/mail/result.ts';
import { advance } from '../../src/queue/advance.ts';
import { DEFAULT_SCHEDULE } from '../../src/queue/schedule.ts';
import {
  addressOf,
  deferredFor,
  deliveredTo,
  entryOf,
  failedFor,
  QUEUED,
  queuedOf,
  recipientOf,
} from '../support/entry.ts';
import { chances, HOUR, how, lostOf, originalOf, requestOf } from './fixtures.ts';

/** What `advance` asks for after these results. */
function asked(entry: ReturnType<typeof entryOf>, results: Parameters<typeof advance>[1], now: number) {
  const { reports } = advance(entry, results, { schedule: DEFAULT_SCHEDULE, now, random: () => 0.5 });
  const [request] = reports;
  if (request === undefined) throw new Error('no report was asked for');
  return request;
}

const ENGLISH = '5.1.1 No such user here\r\nBcc: eve@example.com';
const NASTY: Partial<Failure> = {
  reply: {
    code: 550,
    status: '5.1.1',
    lines: [
      ENGLISH,
      '\0\x1b[2J\x1b]0;owned\x07',
      '--=_report_0_0--',
      'Final-Recipient: rfc822; eve@example.com',
      `${'long '.repeat(12_000)}`,
      '\u202egnp\ud83d',
    ],
  },
  host: 'mx.example.net\r\nAction: delivered',
};

export const stormOf = (count: number): Storm => {
  const limits = { ...DEFAULT_GUARD, count: 2 };
  let state: GuardState = EMPTY_GUARD;
  let storm: Storm | undefined;
  for (let n = 0; n < count + limits.count; n++) {
    const entry = entryOf({ id: `m${n}` });
    const now = n === count + limits.count - 1 ? QUEUED + 2 * HOUR : QUEUED + n * 1000;
    const recent = now === QUEUED + 2 * HOUR ? { count: 2, window: HOUR * 2 } : limits;
    ({ state, storm } = guard(
      state,
      { entry, request: requestOf([lostOf('bob@example.net')]) },
      { now, limits: recent },
    ));
  }
  return storm ?? Object.values(state.storms)[0]!;
};

export const CASES: Readonly<Record<string, () => Promise<Report | undefined>>> = {
  failed: () => composeReport(requestOf([lostOf('bob@example.net')]), how()),

  'failed-three': () => {
    const recipients = [
      recipientOf('bob@example.net', { original: 'rfc822;bob+lists@example.com' }),
      recipientOf('cid@example.net'),
      recipientOf('"dee dee"@example.net'),
    ];
    const entry = entryOf({
      id: 'm1x9k2',
      envelope: { sender: addressOf('ann@example.org'), id: 'batch 7', return: 'headers' },
      recipients: recipients.map((recipient) => queuedOf('', { recipient })),
    });
    const now = QUEUED + 120 * HOUR;
    const [bob, cid, dee] = recipients;
    const request = asked(
      entry,
      [
        failedFor(bob!, {
          status: '5.2.2',
          reply: { code: 552, lines: ['5.2.2 Mailbox full', '5.2.2 See https://example.net/full'] },
        }),
        deferredFor(cid!, {
          stage: 'connect',
          status: '4.4.1',
          text: 'timed out when connecting',
          reply: undefined as never,
        }),
        failedFor(dee!, {
          status: '5.7.1',
          reply: { code: 554, status: '5.7.1', lines: ['5.7.1 Größe verboten: weg damit'] },
        }),
      ],
      now,
    );
    return composeReport(request, how({ entry, now }));
  },

  delayed: () => {
    const entry = entryOf({ id: 'm1x9k2' });
    const now = QUEUED + 4 * HOUR;
    const request = asked(
      entry,
      entry.recipients.map(({ recipient }) => deferredFor(recipient)),
      now,
    );
    return composeReport(request, how({ entry, now, retryUntil: QUEUED + 120 * HOUR }));
  },

  relayed: () => {
    const recipient = recipientOf('bob@example.net', { notify: ['success', 'failure'] });
    const entry = entryOf({ id: 'm1x9k2', recipients: [queuedOf('', { recipient })] });
    return composeReport(asked(entry, [deliveredTo(recipient, { dsn: false })], QUEUED + 2000), how({ entry }));
  },

  delivered: () => {
    const recipient = recipientOf('bob@example.net', { notify: ['success'] });
    const entry = entryOf({ id: 'm1x9k2', recipients: [queuedOf('', { recipient })] });
    const reply = { code: 250, status: '2.0.0', lines: ['2.0.0 <bob@example.net> dkXX Saved'] };
    const result = deliveredTo(recipient, { dsn: false, final: true, reply });
    return composeReport(asked(entry, [result], QUEUED + 2000), how({ entry }));
  },

  utf8: () => {
    const message = originalOf(
      'From: Jørgen <jørgen@example.org>\nTo: 用户@example.net\nSubject: Grüße\nMessage-ID: <u1@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit',
      'Schöne Grüße\n',
    );
    const last = lostOf('用户@xn--e1afmkfd.example', {
      reply: { code: 550, status: '5.1.1', lines: ['5.1.1 Нет такого'] },
    });
    const recipient = { ...last.recipient, original: 'utf-8;\\x{7528}\\x{6237}@example.net' };
    const entry = entryOf({ id: 'm1x9k2', envelope: { sender: addressOf('jørgen@example.org') } });
    return composeReport(requestOf([{ ...last, recipient }]), how({ entry, message }));
  },

  latin1: () => {
    const message = originalOf(
      'From: ann@example.org\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=',
      Buffer.from('Gr\xfc\xdfe\n', 'latin1'),
    );
    return composeReport(requestOf([lostOf('bob@example.net')]), how({ message }));
  },

  hostile: () => {
    const message = originalOf(
      'From: ann@example.org\nSubject: --=_report_0_0\nMessage-ID: <a@b>\n <c@d>\nIn-Reply-To: x',
      '--=_report_0_0\nContent-Type: text/plain\n\ninner\n--=_report_0_0--\n',
    );
    const recipient = recipientOf('bob@example.net', { original: 'rfc822;bob\r\nAction: delivered' });
    const entry = entryOf({
      id: 'm1x9k2',
      envelope: { sender: addressOf('ann@example.org'), id: 'x\r\n\r\nFinal-Recipient: y\0' },
    });
    return composeReport(requestOf([{ ...lostOf('', NASTY), recipient }]), how({ entry, message, random: () => 0 }));
  },

  large: () => {
    const message = originalOf('From: ann@example.org\nSubject: A film', Buffer.alloc(60_000, 'frame \r\n'));
    return composeReport(requestOf([lostOf('bob@example.net', { status: '5.3.4' })]), how({ message }));
  },

  unreadable: () => {
    const entry = entryOf({ id: 'm1x9k2' });
    const { message: _, ...options } = how({
      entry: { ...entry, message: { ...entry.message, messageId: '<job.1@host.example.org>' } },
    });
    return composeReport(requestOf([lostOf('bob@example.net')]), options);
  },

  postmaster: async () => {
    const bounce = await composeReport(requestOf([lostOf('bob@example.net')]), how());
    const entry = entryOf({
      id: 'm1x9k3',
      envelope: { sender: null },
      report: { kind: 'failed', passed: 0 },
      recipients: [queuedOf('ann@example.org')],
    });
    const request = asked(
      entry,
      entry.recipients.map(({ recipient }) => failedFor(recipient)),
      QUEUED + 3000,
    );
    return composeReport(
      request,
      how({ entry, message: bounce!.message, postmaster: addressOf('postmaster@example.org') }),
    );
  },

  digest: async () =>
    composeDigest(stormOf(25), { now: QUEUED + 2 * HOUR, zone: 60, random: chances(), fqdn: 'host.example.org' }),
};
