import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/mail/address.ts';
import { type Header, headerBytes } from '../../src/message/header.ts';
import { type FromRule, readFrom, rewriteFrom, rewriteSender } from '../../src/message/rewrite.ts';
import { split } from '../../src/message/split.ts';

const from = { local: 'alerts', domain: 'example.com' };
const rule = (mode: FromRule['mode']): FromRule => ({ from, mode });

function headerOf(text: string): Header {
  const found = split(Buffer.from(text), true);
  if (found === 'more') throw new Error('Cannot read header: it does not end');
  return found.fields;
}

const textOf = (header: Header): string => headerBytes(header).toString().replace(/\r\n$/, '');

function forced(text: string): string {
  return textOf(rewriteFrom(headerOf(text), rule('force'), 'example.net'));
}

const good = (text: string, want: string): void => expect(forced(text)).toBe(want);

describe('rewriteFrom()', () => {
  it('puts the address in From, and what was there into the name and Reply-To', () => {
    good(
      'From: Ann Ex <ann@example.org>\r\nSubject: x\r\n',
      'From: Ann Ex <alerts@example.com>\r\nReply-To: Ann Ex <ann@example.org>\r\nSubject: x\r\n',
    );
    good(
      'From: root (Cron Daemon)\r\n',
      'From: Cron Daemon <alerts@example.com>\r\nReply-To: Cron Daemon <root@example.net>\r\n',
    );
    good('From: root@vm\r\n', 'From: "root@vm" <alerts@example.com>\r\nReply-To: root@vm\r\n');
    good(
      'From: "(Cron Daemon)" <root>\r\n',
      'From: "(Cron Daemon)" <alerts@example.com>\r\nReply-To: "(Cron Daemon)" <root@example.net>\r\n',
    );
  });

  it('keeps encoded words as they are', () => {
    good(
      'From: =?utf-8?Q?J=C3=B6rg?= =?utf-8?B?w6Q=?= <j@example.org>\r\n',
      'From: =?utf-8?Q?J=C3=B6rg?=\r\n =?utf-8?B?w6Q=?= <alerts@example.com>\r\n' +
        'Reply-To: =?utf-8?Q?J=C3=B6rg?=\r\n =?utf-8?B?w6Q=?= <j@example.org>\r\n',
    );
    good(
      'From: Jörg <j@example.org>\r\nReply-To: x@example.org\r\n',
      'From: =?utf-8?B?SsO2cmc=?= <alerts@example.com>\r\nReply-To: x@example.org\r\n',
    );
  });

  it('leaves a Reply-To that names somebody, and fills an empty one', () => {
    good(
      'Reply-To: x@example.org\r\nFrom: a@example.org\r\n',
      'Reply-To: x@example.org\r\nFrom: "a@example.org" <alerts@example.com>\r\n',
    );
    good(
      'Reply-To: \r\nFrom: a@example.org\r\n',
      'From: "a@example.org" <alerts@example.com>\r\nReply-To: a@example.org\r\n',
    );
  });

  it('leaves all bytes where From is the address already', () => {
    const text = 'from:  Alerts\r\n <alerts@EXAMPLE.com> \r\nX: y\r\n';
    good(text, text);
    good('Subject: no From\r\n', 'Subject: no From\r\n');
  });

  it('makes one From of several authors or fields', () => {
    good(
      'From: A <a@example.org>, b@example.org, alerts@example.com\r\nTo: x\r\nFrom: c@example.org\r\n',
      'From: A <alerts@example.com>\r\nReply-To: A <a@example.org>,\r\n b@example.org\r\nTo: x\r\n',
    );
  });

  it('takes a Sender out that is another address', () => {
    good('Sender: root\r\nFrom: alerts@example.com\r\n', 'From: alerts@example.com\r\n');
    good(
      'Sender: alerts@example.com\r\nFrom: alerts@example.com\r\n',
      'Sender: alerts@example.com\r\nFrom: alerts@example.com\r\n',
    );
  });

  it('shows what can not be read as a name', () => {
    good('From: Cron Daemon\r\n', 'From: Cron Daemon <alerts@example.com>\r\n');
    good('From:\r\n', 'From: alerts@example.com\r\n');
  });

  it('changes nothing in the modes keep and envelope', () => {
    const header = headerOf('From: root\r\n');
    for (const mode of ['keep', 'envelope'] as const)
      expect(rewriteFrom(header, rule(mode), 'example.net')).toBe(header);
  });

  it('adds no field and no long line, whatever was in From', () => {
    const piece = fc.constantFrom(
      '"',
      '<',
      '>',
      '(',
      ')',
      ',',
      ' ',
      '\r\n ',
      '@',
      'ann',
      '=?utf-8?Q?a?=',
      'ö',
      '\x01',
      '\\',
      ':',
      ';',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 30 }), (pieces) => {
        const value = pieces.join('').replace(/[\r\n\0](?!\n )/g, '');
        const text = textOf(rewriteFrom(headerOf(`From: ${value}\r\nX: y\r\n`), rule('force'), 'example.net'));
        expect(text.match(/^[^ \t\r\n][^\r\n]*$/gm)?.every((line) => /^(?:From|Reply-To|X):/.test(line))).toBe(true);
        expect(text.split('\r\n').every((line) => Buffer.byteLength(line) <= 998)).toBe(true);
        const [first] = headerOf(text);
        expect(first?.raw.toString()).toContain('alerts@example.com');
      }),
      { seed: 4, numRuns: 500 },
    );
    const long = forced(`From: ${'name '.repeat(5000)}<a@example.org>\r\n`);
    expect(Math.max(...long.split('\r\n').map((line) => line.length))).toBeLessThan(999);
  });
});

describe('rewriteSender()', () => {
  const ann = { local: 'ann', domain: 'example.org' };

  it('stands for a sender that nobody asked for, or always', () => {
    expect(rewriteSender({ sender: ann, asked: true }, rule('keep'))).toBe(ann);
    expect(rewriteSender({ sender: ann, asked: false }, rule('keep'))).toBe(from);
    expect(rewriteSender({ sender: ann, asked: true }, rule('envelope'))).toBe(from);
    expect(rewriteSender({ sender: ann, asked: true }, rule('force'))).toBe(from);
  });

  it('leaves the null sender', () => {
    for (const mode of ['keep', 'envelope', 'force'] as const) {
      expect(rewriteSender({ sender: null, asked: true }, rule(mode))).toBeNull();
    }
  });
});

describe('readFrom()', () => {
  function read(pattern: string, user = 'root', host = 'web1'): string {
    const reading = readFrom({ pattern, user, host, domain: 'example.net' });
    return 'reason' in reading ? reading.reason : formatAddress(reading.address);
  }

  it('puts user and host in', () => {
    expect(read('alerts@example.com')).toBe('alerts@example.com');
    expect(read('%u-%h@example.com')).toBe('root-web1@example.com');
    expect(read('%u@%h.example.com')).toBe('root@web1.example.com');
    expect(read('%u%%x@example.com')).toBe('root%x@example.com');
    expect(read('%u')).toBe('root@example.net');
  });

  it('makes names fit for an address', () => {
    expect(read('%u@example.com', 'CORP\\jo hn\r\n')).toBe('CORP-jo-hn-@example.com');
    expect(read('%u@example.com', '..a..b.')).toBe('a.b@example.com');
    expect(read('%u@example.com', '')).toBe('unknown@example.com');
    expect(read('%u@example.com', '%h')).toBe('-h@example.com');
  });

  it('refuses what is no address', () => {
    expect(read('%x@example.com')).toBe('behind "%" stands u (the user), h (the host) or "%"');
    expect(read('100%')).toBe('behind "%" stands u (the user), h (the host) or "%"');
    expect(read('')).toBe('it is no address');
    expect(read('a b@example.com')).toBe('a name needs "<" and ">" around the address');
  });
});
