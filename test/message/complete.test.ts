import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Completion, complete, messageId } from '../../src/message/complete.ts';
import { formatDate } from '../../src/message/date.ts';
import { headerBytes, unfoldedValue } from '../../src/message/header.ts';
import { encodeWords, formatFrom, formatPhrase } from '../../src/message/phrase.ts';
import { split } from '../../src/message/split.ts';

const how: Completion = {
  now: Date.UTC(2026, 10, 22, 20, 5, 9),
  zone: 60,
  random: () => 0.5,
  fqdn: 'mx.example.org',
  domain: 'example.org',
  sender: { local: 'ann', domain: 'example.org' },
};

function run(text: string, more: Partial<Completion> = {}) {
  const found = split(Buffer.from(text), true);
  if (found === 'more') throw new Error('undecided at the end');
  const done = complete(found.fields, { ...how, ...more });
  return {
    text: headerBytes(done.fields).toString(),
    added: done.added.map((field) => `${field.name}: ${unfoldedValue(field)}`),
    removed: done.removed.map((field) => field.name),
  };
}

const FULL = 'Date: d\r\nfrom: f\r\nTO: t\r\nMessage-id: <m@x>\r\n';

describe('complete()', () => {
  it('adds what is missing at the end, in a fixed order', () => {
    expect(run('Subject: hi\n\n')).toEqual({
      text: [
        'Subject: hi',
        'Date: Sun, 22 Nov 2026 21:05:09 +0100',
        'From: ann@example.org',
        'To: undisclosed-recipients:;',
        `Message-ID: ${messageId(how.now, how.random, 'mx.example.org')}`,
        '\r\n',
      ].join('\r\n'),
      added: [
        'Date: Sun, 22 Nov 2026 21:05:09 +0100',
        'From: ann@example.org',
        'To: undisclosed-recipients:;',
        `Message-ID: ${messageId(how.now, how.random, 'mx.example.org')}`,
      ],
      removed: [],
    });
  });

  it('changes nothing where nothing is missing', () => {
    const text = `${FULL}X:  odd\r\n\t folding \r\nX: y\r\n`;
    expect(run(`${text}\r\n`)).toEqual({ text: `${text}\r\n`, added: [], removed: [] });
  });

  it('removes Bcc, Resent-Bcc and Return-Path, each of them, folded or not', () => {
    const { text, removed } = run(`bcc: a\n ,b\nReturn-path: <x>\n${FULL}BCC:\nResent-Bcc: c\n\n`);
    expect(text).toBe(`${FULL}\r\n`);
    expect(removed).toEqual(['bcc', 'Return-path', 'BCC', 'Resent-Bcc']);
  });

  it('writes a null sender as MAILER-DAEMON, and the name that was given', () => {
    expect(run('', { sender: null }).added).toContain('From: MAILER-DAEMON@example.org');
    expect(run('', { name: 'Ann B' }).added).toContain('From: Ann B <ann@example.org>');
    expect(run('', { name: 'B., Ann' }).added).toContain('From: "B., Ann" <ann@example.org>');
  });

  it('lets no line end out of a name or our own name', () => {
    expect(() => run('', { name: 'x\r\nBcc: y' })).toThrow(TypeError);
    expect(() => run('', { fqdn: 'x\nBcc: y' })).toThrow(TypeError);
    expect(() => run('', { sender: { local: 'a\r\nX: y', domain: 'b' } })).toThrow(TypeError);
  });

  const to = (text: string, want: boolean) =>
    it(`${want ? 'adds' : 'adds no'} To where the header says ${JSON.stringify(text)}`, () =>
      expect(run(`${text}\n\n`).added.some((line) => line.startsWith('To:'))).toBe(want));

  to('To: a', false);
  to('To:', false);
  to('Cc: a', false);
  to('Cc:', true);
  to('Bcc: a', true);
  to('Resent-To: a', false);
  to('Resent-Cc: a', false);
  to('Resent-Bcc: a', true);

  const mime = (text: string, want: boolean) =>
    it(`${want ? 'adds' : 'adds no'} MIME-Version where the header says ${JSON.stringify(text)}`, () =>
      expect(run(`${text}\n\n`).added.includes('MIME-Version: 1.0')).toBe(want));

  mime('Content-Transfer-Encoding: 8bit', true);
  mime('Content-transfer-encoding: 8BIT', true);
  mime('Content-Transfer-Encoding: 7bit', false);
  mime('Content-Type: text/plain; charset=utf-8', true);
  mime('Content-Type: text', false);
  mime('Content-Type: text/plain\nMime-version: 1.0', false);
  mime('Subject: x', false);

  it('leaves a Resent- block and 8-bit values as they are', () => {
    const text = `Resent-From: r\r\nResent-To: é <x@y>\r\n${FULL}Subject: \xe9\r\n\r\n`;
    expect(run(text).text).toBe(text);
  });
});

describe('messageId()', () => {
  it('is made of the time, 64 bits of chance and our name', () => {
    expect(messageId(how.now, how.random, 'mx.example.org')).toMatch(/^<[a-z0-9]{8}\.[a-z0-9]{14}@mx\.example\.org>$/);
    expect(messageId(0, () => 0, '[192.0.2.1]')).toBe('<0.00000000000000@[192.0.2.1]>');
  });
});

describe('formatDate()', () => {
  const good = (zone: number, want: string) =>
    it(`writes ${want}`, () => expect(formatDate(Date.UTC(2024, 1, 29, 23, 5, 7), zone)).toBe(want));

  good(0, 'Thu, 29 Feb 2024 23:05:07 +0000');
  good(60, 'Fri, 1 Mar 2024 00:05:07 +0100');
  good(-210, 'Thu, 29 Feb 2024 19:35:07 -0330');
  good(765, 'Fri, 1 Mar 2024 11:50:07 +1245');
});

describe('formatPhrase()', () => {
  const good = (name: string, want: string) =>
    it(`writes ${JSON.stringify(name)} as ${want}`, () => expect(formatPhrase(name)).toBe(want));

  good('Ann', 'Ann');
  good('Cron Daemon', 'Cron Daemon');
  good('Mc(Cartney) "x" \\', '"Mc(Cartney) \\"x\\" \\\\"');
  good('a@b, c', '"a@b, c"');
  good('Zoë', '=?utf-8?B?Wm/Dqw==?=');
  good('Zoë of the Middle Earth', '=?utf-8?Q?Zo=C3=AB_of_the_Middle_Earth?=');
  good('=?utf-8?Q?x?=', '=?utf-8?Q?x?=');
  good('=?utf-8?Q?x?=, y', '=?utf-8?B?PT91dGYtOD9RP3g/PSwgeQ==?=');

  it('refuses CR, LF and NUL', () => {
    for (const name of ['a\r', 'a\nb', 'a\0']) expect(() => formatPhrase(name)).toThrow(TypeError);
  });

  it('makes encoded words of at most 75 characters that say the same, of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const words = encodeWords(Buffer.from(text)).split(' ').filter(Boolean);
        const octets = words.map((word) => {
          expect(word.length).toBeLessThanOrEqual(75);
          const [, kind, body = ''] = /^=\?utf-8\?([BQ])\?([!->@-~]+)\?=$/.exec(word) ?? [];
          const hex = (_: string, pair: string) => String.fromCharCode(Number.parseInt(pair, 16));
          const plain = body.replaceAll('_', ' ').replace(/=([0-9A-F]{2})/g, hex);
          const bytes = Buffer.from(kind === 'B' ? body : plain, kind === 'B' ? 'base64' : 'latin1');
          expect(Buffer.from(bytes.toString()).equals(bytes)).toBe(true);
          return bytes;
        });
        expect(Buffer.concat(octets).equals(Buffer.from(text))).toBe(true);
      }),
      { seed: 1, numRuns: 60 },
    );
  });
});

describe('formatFrom()', () => {
  it('folds a long name so that no line is long', () => {
    const lines = formatFrom('ann@example.org', 'Zoë '.repeat(60)).split('\r\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.every((line, n) => line.length <= 78 && (n === 0 || line.startsWith(' ')))).toBe(true);
  });
});
