import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { composeReport } from '../../src/bounce/report.ts';
import { formatAddress } from '../../src/mail/address.ts';
import { downgrade } from '../../src/message/downgrade.ts';
import { combine, scanBytes } from '../../src/message/scan.ts';
import { memorySource } from '../../src/message/source.ts';
import { addressOf, entryOf, QUEUED, queuedOf } from '../support/entry.ts';
import { CASES } from './cases.ts';
import { bytesOf, CRON, how, lostOf, originalOf, requestOf } from './fixtures.ts';

const failed = requestOf([lostOf('bob@example.net')]);
const textOf = async (...args: Parameters<typeof composeReport>): Promise<string> => {
  const report = await composeReport(...args);
  return report === undefined ? '' : bytesOf(report).toString();
};

describe('every report', () => {
  test.each(Object.entries(CASES))('%s: mailparser sees its parts and its header', async (name, make) => {
    const report = await make();
    const bytes = bytesOf(report!);
    const mail = await simpleParser(bytes);
    expect(mail.from?.value[0]?.address).toBe('MAILER-DAEMON@host.example.org');
    expect(mail.headers.get('auto-submitted')).toBe('auto-replied');
    expect(mail.headers.get('content-type')).toMatchObject({
      value: 'multipart/report',
      params: { 'report-type': 'delivery-status' },
    });
    // It shows a message/delivery-status as text, and does not know the one in UTF-8.
    const types = mail.attachments.map(({ contentType }) => contentType);
    const status = name === 'utf8' ? types.shift() : mail.text;
    expect(status).toMatch(name === 'utf8' ? 'message/global-delivery-status' : '\nFinal-Recipient: rfc822; ');
    expect(types.length).toBe(name === 'unreadable' || name === 'digest' ? 0 : 1);
    expect(mail.text).toMatch(/^This is the mail system at host\.example\.org\.\n/);
  });

  test.each(Object.entries(CASES))('%s: goes from nobody to its reader, with facts that are true', async (_, make) => {
    const report = await make();
    const { message, envelope } = report!;
    expect(envelope.sender).toBeNull();
    expect(envelope.recipients.length).toBe(1);
    expect(message.facts).toEqual(
      combine(scanBytes(message.header), scanBytes(bytesOf(report!).subarray(message.header.length))),
    );
    expect(message.facts.longestLine).toBeLessThanOrEqual(998);
    expect(message.facts.nul).toBe(false);
    expect(message.header.toString()).toContain(`To: ${formatAddress(envelope.recipients[0]!.address)}\r\n`);
  });

  test.each(Object.entries(CASES))('%s: has a form for a server of seven bits', async (name, make) => {
    const { message } = (await make())!;
    const parts: Buffer[] = [];
    const scratch = {
      write: (chunk: Buffer) => void parts.push(Buffer.from(chunk)),
      finish: () => memorySource(Buffer.concat(parts)),
      discard: () => {},
    };
    const down = await downgrade(message, { sevenBit: true, maxLine: 998 }, scratch);
    if (!down.ok) throw new Error(down.text);
    expect(down.message.facts).toMatchObject({ eightBitBody: false, eightBitHeader: name === 'utf8' });
  });
});

describe('composeReport()', () => {
  test.each([
    ['mx.example.net', 'dns; mx.example.net'],
    ['192.0.2.1', 'dns; [192.0.2.1]'],
    ['maildir:/home/bob/Maildir', 'X-Posthaste; maildir:/home/bob/Maildir'],
    ['mbox:/var/mail/bob', 'X-Posthaste; mbox:/var/mail/bob'],
    ['/run/lmtp', 'X-Posthaste; /run/lmtp'],
  ])('names who took it in %s', async (host, name) => {
    const history = [{ at: QUEUED, outcome: 'delivered', status: '2.0.0', host, text: '250 2.0.0 ok' }] as const;
    const taken = queuedOf('bob@example.net', { state: 'delivered', history });
    const text = await textOf(requestOf([taken], { kind: 'delivered' }), how());
    expect(text).toContain(`\r\nRemote-MTA: ${name}\r\n`);
  });

  test('answers the original and says so', async () => {
    const mail = await simpleParser(await textOf(failed, how()));
    expect(mail.inReplyTo).toBe('<job.1@host.example.org>');
    expect(mail.references).toEqual(['<first@example.org>', '<job.1@host.example.org>']);
    expect(mail.subject).toBe('Not delivered: Cron <ann@host> /usr/local/bin/backup');
  });

  test('is none when the message came from nobody, whatever is asked', async () => {
    const entry = entryOf({ envelope: { sender: null } });
    expect(await composeReport(failed, how({ entry }))).toBeUndefined();
    expect(await composeReport({ ...failed, to: 'postmaster' }, how({ entry }))).toBeUndefined();
  });

  test('to the postmaster is passed on once more than the bounce was', async () => {
    const entry = entryOf({ envelope: { sender: null }, report: { kind: 'failed', passed: 0 } });
    const postmaster = addressOf('postmaster@example.org');
    const report = await composeReport({ ...failed, to: 'postmaster' }, how({ entry, postmaster }));
    expect(report).toMatchObject({
      envelope: { recipients: [{ address: postmaster }] },
      report: { kind: 'failed', passed: 1 },
    });
  });

  const FULL = 'Content-Type: message/rfc822';
  const HEADERS = 'Content-Type: text/rfc822-headers';
  const body = (text: string | Buffer, header = 'From: ann@example.org') => ({ message: originalOf(header, text) });
  const asked = (ret: 'full' | 'headers') => ({
    entry: entryOf({ envelope: { sender: addressOf('ann@example.org'), return: ret } }),
  });
  test.each([
    ['by default', {}, FULL],
    ['for RET=FULL', asked('full'), FULL],
    ['for RET=HDRS', asked('headers'), HEADERS],
    ['at the limit', { ...body('x'.repeat(18)), returnLimit: 45 }, FULL],
    ['above the limit', { ...body('x'.repeat(19)), returnLimit: 45 }, HEADERS],
    ['with long lines', body('x'.repeat(999)), HEADERS],
    ['with NUL', body('x\0y\n'), HEADERS],
    ['signed and 8-bit', body('é\n', 'Content-Type: multipart/signed; boundary=x'), HEADERS],
    ['signed and 7-bit', body('e\n', 'Content-Type: multipart/signed; boundary=x'), FULL],
  ] as const)('returns of the original, %s', async (_, rest, type) => {
    expect(await textOf(failed, how({ ...rest }))).toContain(`\r\n${type}\r\n`);
  });

  test.each(['delayed', 'relayed', 'delivered'] as const)('returns the header only when it was %s', async (kind) => {
    const text = await textOf({ ...failed, kind }, how(asked('full')));
    expect(text).toContain(HEADERS);
    expect(text).not.toContain('no space left');
  });

  test('returns the body byte for byte, line ends aside', async () => {
    const bytes = Buffer.from([...Array(256).keys()].filter((octet) => ![0, 10, 13].includes(octet)));
    const report = await composeReport(failed, how(body(bytes)));
    expect(bytesOf(report!).includes(Buffer.concat([bytes, Buffer.from('\r\n')]))).toBe(true);
  });

  test('cuts a header that is too large between fields', async () => {
    const fields = Array.from({ length: 5000 }, (_, n) => `X-Field-${n}: ${'y'.repeat(50)}`);
    const text = await textOf(
      failed,
      how({ message: originalOf(['From: ann@example.org', ...fields].join('\n'), '') }),
    );
    expect(text.length).toBeLessThan(60_000);
    expect(text).toMatch(/\r\nX-Field-\d+: y{50}\r\n\r\n--=_report_\w+--\r\n$/);
  });

  test('is bounded for thousands of recipients with long replies, and names all to programs', async () => {
    const reply = { code: 550, lines: ['no '.repeat(20_000)] };
    const many = Array.from({ length: 5000 }, (_, n) => lostOf(`r${n}@example.net`, { reply }));
    const text = await textOf(requestOf(many), how());
    expect(text.length).toBeLessThan(2_500_000);
    expect(text.match(/^Final-Recipient:/gm)?.length).toBe(5000);
    expect(text).toContain('and 4950 more, which the delivery report names.');
  });

  test('has words for what is not known', async () => {
    const text = await textOf(requestOf([queuedOf('bob@example.net', { state: 'failed' })]), how());
    expect(text).toContain('Action: failed\r\nStatus: 5.0.0\r\n\r\n');
  });

  test.each([
    ['Re: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=', 'Not delivered: Re: Grüße'],
    ['x'.repeat(500), `Not delivered: ${'x'.repeat(150)}...`],
    ['a\x1b[2Jb', 'Not delivered: a\\x1b[2Jb'],
    ['', 'Not delivered'],
    ['Grüße aus Köln', 'Not delivered: Grüße aus Köln'],
  ])('takes the subject %j over', async (subject, want) => {
    const mail = await simpleParser(await textOf(failed, how({ message: originalOf(`Subject: ${subject}`, '') })));
    expect(mail.subject).toBe(want);
  });
});

describe('what a remote says', () => {
  const names = (text: string) => text.match(/^[\w-]+(?=:)/gm) ?? [];
  const said = (lines: readonly string[], host: string) =>
    requestOf([lostOf('bob@example.net', { reply: { code: 550, lines }, host })]);

  test('can add no field, part or line, and is bounded', async () => {
    const want = names(await textOf(said(['no'], 'mx'), how()));
    const nasty = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.constantFrom(
          '\r\n',
          '\n',
          '\r',
          '\r\n\r\n',
          '\0',
          '\x1b[2J',
          '\n--=_report_0_0',
          '--',
          'Status: 2.0.0',
          ' ',
          '\u2028',
          '\ud800',
        ),
      ),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(nasty, { minLength: 1, maxLength: 4 }), nasty, async (lines, host) => {
        const report = await composeReport(
          said(
            lines.map((line) => line.join('')),
            host.join(''),
          ),
          how({ random: () => 0 }),
        );
        const text = bytesOf(report!).toString();
        expect(names(text).filter((name) => name !== 'Content-Transfer-Encoding')).toEqual(want);
        expect(text.match(/^--=_report/gm)?.length).toBe(4);
        expect(text.replaceAll('\r\n', '')).not.toMatch(/[\0-\x1f\x7f]/);
        expect(report!.message.facts.longestLine).toBeLessThanOrEqual(998);
      }),
      { seed: 18, numRuns: 60 },
    );
  });

  test('of sixty thousand octets is cut, in the part for people and in that for programs', async () => {
    const text = await textOf(said(['é'.repeat(60_000)], 'mx'), how());
    expect(text.length).toBeLessThan(6000);
    expect(text).toContain(`${'é'.repeat(248)}...\r\n`);
  });

  test('of the original can not end its part', async () => {
    const message = originalOf('From: a@b', '--=_report_0_0--\n--=_report_0_1\n');
    const text = await textOf(failed, how({ message, random: () => 0 }));
    expect(text).toContain('boundary="=_report_0_2"');
    expect((await simpleParser(text)).attachments.length).toBe(1);
  });
});

test('a report tells the hour it was made, in the zone given', async () => {
  expect(await textOf(failed, how({ now: QUEUED, zone: -330, message: CRON }))).toMatch(
    /^Date: Sun, 22 Nov 2026 14:41:31 -0530\r\n/,
  );
});
