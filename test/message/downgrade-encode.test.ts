import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/message/bytes.ts';
import { encoder, type Way } from '../../src/message/encode.ts';

/** Encodes CRLF text, each line given in pieces of at most `piece` octets. */
function encode(way: Way, content: Buffer, piece = 1000): string {
  const out = new Bytes();
  const coder = encoder(way, out);
  const lines = content.toString('latin1').split('\r\n');
  lines.forEach((line, n) => {
    if (n > 0) coder.newline();
    const bytes = Buffer.from(line, 'latin1');
    for (let at = 0; at < bytes.length; at += piece) coder.text(bytes, at, Math.min(bytes.length, at + piece));
  });
  coder.end();
  return out.take().toString('latin1');
}

/** RFC 2045, section 6.7: blanks at line ends go, then soft line breaks, then escapes. */
const decodeQuoted = (text: string): Buffer =>
  Buffer.from(
    text
      .replace(/[ \t]+(?=\r\n|$)/g, '')
      .replaceAll('=\r\n', '')
      .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );

const content = fc
  .array(fc.constantFrom('\r\n', ' ', '\t', '=', '--', 'é', '\0', 'abc', '.', 'x'.repeat(74), 'word '.repeat(20)), {
    maxLength: 30,
  })
  .map((parts) => Buffer.from(parts.join('')));

const longest = (text: string): number => Math.max(...text.split('\r\n').map((line) => line.length));

describe('encoder()', () => {
  it('copies what is to be copied', () => {
    const bytes = Buffer.from('a \r\n\r\n\0é= ');
    expect(encode('copy', bytes, 1)).toBe(bytes.toString('latin1'));
  });

  it('writes quoted-printable that decodes to the same, whatever the pieces', () => {
    fc.assert(
      fc.property(content, fc.integer({ min: 1, max: 90 }), (bytes, piece) => {
        const text = encode('quoted-printable', bytes);
        expect(decodeQuoted(text).equals(bytes)).toBe(true);
        expect(longest(text)).toBeLessThanOrEqual(76);
        expect(text).toMatch(/^[\t\r\n -~]*$/);
        expect(text).not.toMatch(/[ \t](?:\r\n|$)/);
        expect(text).not.toMatch(/=\r\n--/);
        expect(encode('quoted-printable', bytes, piece)).toBe(text);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('writes base64 in lines of 76 that decodes to the same', () => {
    fc.assert(
      fc.property(content, fc.integer({ min: 1, max: 90 }), (bytes, piece) => {
        const text = encode('base64', bytes, piece);
        expect(Buffer.from(text, 'base64').equals(bytes)).toBe(true);
        expect(text).toBe(bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n'));
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it('wraps quoted-printable without a change of what it says', () => {
    const words = fc.array(
      fc.constantFrom(
        '=3D',
        '=C3=A9',
        'y'.repeat(37),
        'y'.repeat(36),
        '=\r\n',
        '\r\n',
        ' ',
        '\t',
        'abc',
        '--',
        '=',
        'é',
        '=4',
        'A',
      ),
      {
        maxLength: 120,
      },
    );
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 9 }), (parts, piece) => {
        const bytes = Buffer.from(parts.join(''));
        const text = encode('wrap-quoted-printable', bytes);
        expect(decodeQuoted(text).equals(decodeQuoted(bytes.toString('latin1')))).toBe(true);
        expect(longest(text)).toBeLessThanOrEqual(76);
        expect(text).toMatch(/^[\t\r\n -~]*$/);
        expect(encode('wrap-quoted-printable', bytes, piece)).toBe(text);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('wraps base64 without a change of what it says', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const given = bytes.toString('base64').replace(/.{333}(?=.)/g, '$&\0\r\n');
        const text = encode('wrap-base64', Buffer.from(given));
        expect(Buffer.from(text, 'base64').equals(bytes)).toBe(true);
        expect(longest(text)).toBeLessThanOrEqual(76);
      }),
      { seed: 4, numRuns: 100 },
    );
  });
});
