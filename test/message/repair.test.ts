import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddressList } from '../../src/mail/address-list.ts';
import { type Header, headerBytes, rawValue } from '../../src/message/header.ts';
import { encodeHeader, qualifyHeader } from '../../src/message/repair.ts';
import { split } from '../../src/message/split.ts';

function headerOf(bytes: Buffer): Header {
  const found = split(bytes, true);
  if (found === 'more') throw new Error('Cannot read header: it does not end');
  return found.fields;
}

/** One field, as octets. */
function one(text: string, repair: (header: Header) => Header, encoding: BufferEncoding = 'utf8'): string {
  return headerBytes(repair(headerOf(Buffer.from(`${text}\r\n`, encoding))))
    .toString(encoding)
    .replace(/\r\n\r\n$/, '');
}

const qualify = (text: string, want: string): void =>
  expect(one(text, (header) => qualifyHeader(header, 'example.net'))).toBe(want);
const untouched = (text: string): void => qualify(text, text);

describe('qualifyHeader()', () => {
  it('gives addresses without a domain ours', () => {
    qualify('To: alice', 'To: alice@example.net');
    qualify('To: a, b@example.org,c', 'To: a@example.net, b@example.org,c@example.net');
    qualify('From: Anacron <root>', 'From: Anacron <root@example.net>');
    qualify('from:"Ann, Ex" <ann>,\r\n\tbob', 'from:"Ann, Ex" <ann@example.net>,\r\n\tbob@example.net');
    qualify('Cc: list: a, b;', 'Cc: list: a@example.net, b@example.net;');
    qualify('Reply-To: "a b"', 'Reply-To: "a b"@example.net');
    qualify('Resent-To: < a >', 'Resent-To: < a@example.net >');
  });

  it('writes the name of the old form as one is written today', () => {
    qualify('From: root (Cron Daemon)', 'From: Cron Daemon <root@example.net>');
    qualify('From: root (systemd-cron), b', 'From: systemd-cron <root@example.net>, b@example.net');
    qualify('From: root (a "b". <c>)', 'From: "a \\"b\\". <c>" <root@example.net>');
    qualify('From: root (Jörg)', 'From: =?utf-8?B?SsO2cmc=?= <root@example.net>');
    qualify('From: root (=?utf-8?Q?J=C3=B6rg?=)', 'From: =?utf-8?Q?J=C3=B6rg?= <root@example.net>');
    qualify('To: a ()', 'To: a@example.net ()');
  });

  it('leaves every byte of all else', () => {
    untouched('From: Ann (x)  <ann@example.org>\r\n ');
    untouched('From: ann@example.org (Ann)');
    untouched('From: Cron Daemon');
    untouched('To: undisclosed-recipients:;');
    untouched('To: ');
    untouched('Subject: root (Cron Daemon)');
    untouched('From: "root');
  });

  it('keeps octets that are no UTF-8', () => {
    const text = 'To: J\xf6rg <j>, "\xe9" <e@example.org>';
    expect(one(text, (header) => qualifyHeader(header, 'example.net'), 'latin1')).toBe(
      'To: J\xf6rg <j@example.net>, "\xe9" <e@example.org>',
    );
  });

  it('does nothing where our own domain is none', () => {
    expect(one('To: a', (header) => qualifyHeader(header, 'a b\r\n'))).toBe('To: a');
  });

  it('folds a line that would be too long', () => {
    const text = one(`To: ${Array.from({ length: 100 }, (_, n) => `user${n}`).join(', ')}`, (header) =>
      qualifyHeader(header, 'example.net'),
    );
    expect(text.split('\r\n').every((line) => line.length <= 998)).toBe(true);
    expect(text.match(/@example\.net/g)).toHaveLength(100);
  });

  it('leaves no address without a domain and names the same people, whatever the field holds', () => {
    const piece = fc.constantFrom(
      '"',
      '<',
      '>',
      '(',
      ')',
      ',',
      ' ',
      '@',
      'ann',
      'b.c',
      ':',
      ';',
      '\\',
      '=?utf-8?Q?a?=',
    );
    const read = (header: Header) =>
      header.flatMap(
        (field) => parseAddressList(rawValue(field).toString(), { domain: 'example.net', folded: true }).mailboxes,
      );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const before = headerOf(Buffer.from(`To: ${pieces.join('')}\r\n`));
        const after = qualifyHeader(before, 'example.net');
        expect(read(after).map(({ address }) => address)).toEqual(read(before).map(({ address }) => address));
        expect(read(after).some(({ unqualified }) => unqualified)).toBe(false);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('encodeHeader()', () => {
  const encode = (text: string, want: string, encoding: BufferEncoding = 'utf8'): void =>
    expect(one(text, encodeHeader, encoding)).toBe(want);

  it('makes encoded words of what is not ASCII', () => {
    encode('Subject: h\u00e9 there', 'Subject: =?utf-8?B?aMOp?= there');
    encode('Subject: h\xe9', 'Subject: =?unknown-8bit?B?aOk=?=', 'latin1');
    encode('X-Job: a ü b', 'X-Job: a =?utf-8?B?w7w=?= b');
    encode('To: Jörg <j@example.org>', 'To: =?utf-8?B?SsO2cmc=?= <j@example.org>');
  });

  it('leaves every byte of all else', () => {
    for (const text of ['Subject:  a\r\n  b ', `Subject: ${'x '.repeat(600)}`, 'Message-ID: <ö@example.org>']) {
      encode(text, text);
    }
  });

  it('writes no long line', () => {
    const text = one(`Subject: Cron <root@vm> ${'a'.repeat(60)} ${'Größe '.repeat(200)}`, encodeHeader);
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(76);
    expect(/^[\x20-\x7e\r\n]*$/.test(text)).toBe(true);
  });
});
