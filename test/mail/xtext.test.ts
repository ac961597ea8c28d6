import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeUtf8Address, decodeXtext, encodeUtf8Address, encodeXtext } from '../../src/mail/xtext.ts';

describe('encodeXtext()', () => {
  const good = (text: string, want: string) =>
    test(`writes ${JSON.stringify(want)} when the text is ${JSON.stringify(text)}`, () => {
      expect(encodeXtext(text)).toBe(want);
      expect(decodeXtext(want)).toBe(text);
    });

  good('', '');
  good('ann@example.org', 'ann@example.org');
  good('a+b=c', 'a+2Bb+3Dc');
  good('a b', 'a+20b');
  good('a\r\nRCPT TO:<b>\0', 'a+0D+0ARCPT+20TO:<b>+00');
  good('\u00e9', '+C3+A9');
  good('\u760d\u760a', '+E7+98+8D+E7+98+8A');
  good('~!*,<>', '~!*,<>');

  test('writes one printable word that decodeXtext() reads back when the text is anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        expect(encodeXtext(text)).toMatch(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/);
        expect(decodeXtext(encodeXtext(text))).toBe(text);
      }),
      { seed: 3461, numRuns: 200 },
    );
  });
});

describe('decodeXtext()', () => {
  const bad = (text: string, why: string) => test(`refuses ${why}`, () => expect(decodeXtext(text)).toBeUndefined());

  bad('a b', 'a blank');
  bad('a=b', 'an equals sign');
  bad('a+', 'a plus sign at the end');
  bad('a+4', 'one digit only');
  bad('a+4G', 'what is no digit');
  bad('a\r\n', 'a line end');
  bad('\u00e9', 'what is not ASCII');
  bad('+E9', 'octets that are no UTF-8');

  test('takes digits of either case', () => expect(decodeXtext('+2b+3D')).toBe('+='));
});

describe('encodeUtf8Address()', () => {
  const good = (text: string, want: string) =>
    test(`writes ${JSON.stringify(want)} when the address is ${JSON.stringify(text)}`, () => {
      expect(encodeUtf8Address(text)).toBe(want);
      expect(decodeUtf8Address(want)).toBe(text);
    });

  good('ann@example.org', 'ann@example.org');
  good('j\u00f8ran@example.org', 'j\\x{F8}ran@example.org');
  good('a+b=c\\ ', 'a\\x{2B}b\\x{3D}c\\x{5C}\\x{20}');
  good('\u{1f600}', '\\x{1F600}');
  good('\r\n', '\\x{0D}\\x{0A}');

  test('replaces half a surrogate pair', () => expect(encodeUtf8Address('a\ud83d')).toBe('a\\x{FFFD}'));
});

describe('decodeUtf8Address()', () => {
  const bad = (text: string, why: string) =>
    test(`refuses ${why}`, () => expect(decodeUtf8Address(text)).toBeUndefined());

  test('takes characters as they are when they are not ASCII', () =>
    expect(decodeUtf8Address('\u00f8')).toBe('\u00f8'));
  bad('a b', 'a blank');
  bad('a+b', 'a plus sign');
  bad('a\\b', 'a lone backslash');
  bad('\\x{}', 'no digits');
  bad('\\x{f8}', 'digits in lower case');
  bad('\\x{D83D}', 'half a surrogate pair');
  bad('\\x{110000}', 'what is beyond Unicode');
});
