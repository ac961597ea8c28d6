import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiField } from '../../src/message/ascii.ts';
import { foldField } from '../../src/message/fold.ts';
import { type Field, unfoldedValue } from '../../src/message/header.ts';
import { split } from '../../src/message/split.ts';

function fieldOf(text: string): Field {
  const found = split(Buffer.from(`${text}\r\n`), true);
  const [field] = found === 'more' ? [] : found.fields;
  if (field === undefined) throw new Error('no field');
  return field;
}

const fields = fc
  .tuple(
    fc.constantFrom('Subject', 'To', 'Content-Type', 'X'),
    fc.array(
      fc.constantFrom(
        ...['é', '"', '<', '>', '(', ')', '\\', ' ', '\t', '\r\n ', ';', '=', 'name=', '@', ',', 'word'],
        '\0',
        '=?utf-8?Q?é?=',
        '*0=',
      ),
      { maxLength: 25 },
    ),
  )
  .map(([name, parts]) => fieldOf(`${name}: x${parts.join('')}x`));

describe('asciiField()', () => {
  it('writes any field of a message within as one field in ASCII', () => {
    fc.assert(
      fc.property(fields, (field) => {
        const { raw } = asciiField(field, 'inner');
        expect(raw.toString('latin1')).toMatch(/^[\w-]+:[\t -~]*(?:\r\n[ \t][\t -~]*)*\r\n$/);
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  it('keeps one field one in the outer header', () => {
    fc.assert(
      fc.property(fields, (field) => {
        const done = asciiField(field, 'outer');
        expect(split(done.raw, true)).toMatchObject({ fields: [{ raw: done.raw }] });
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it('gives back a field that is ASCII already', () => {
    const field = fieldOf('Subject: plain "x" =?y?=');
    expect(asciiField(field, 'outer')).toBe(field);
  });

  it('leaves message ids and local parts of the outer header as they are', () => {
    for (const text of ['Message-ID: <é@x>', 'References: <a@b> <é@c>', 'To: Ann <é@x.y>']) {
      const field = fieldOf(text);
      expect(asciiField(field, 'outer').raw.equals(field.raw)).toBe(true);
      expect(asciiField(field, 'inner').raw.includes('=?utf-8?')).toBe(true);
    }
  });

  it('says unknown-8bit where octets are no UTF-8', () => {
    const field = { name: 'Subject', raw: Buffer.from('Subject: \xe9\r\n', 'latin1') };
    expect(asciiField(field, 'outer').raw.toString()).toBe('Subject: =?unknown-8bit?Q?=E9?=\r\n');
  });

  it('takes a long field in linear time', () => {
    for (const name of ['Subject', 'To', 'Content-Type']) {
      for (const piece of ['é', 'é ', '"é', '(é', '<é', ';é=é', '=?é', '\\"']) {
        const field = fieldOf(`${name}: é${piece.repeat(30_000)}`);
        expect(asciiField(field, 'inner').raw.length).toBeGreaterThan(0);
      }
    }
  });
});

describe('foldField()', () => {
  it('makes no line longer than asked where there are blanks, and changes nothing for who unfolds', () => {
    const words = fc.array(fc.constantFrom('a', 'word', ' ', '  ', '\t', '\r\n ', 'x'.repeat(20)), { maxLength: 40 });
    fc.assert(
      fc.property(words, (parts) => {
        const field = fieldOf(`Subject: x${parts.join('')}`);
        const folded = foldField(field, 30);
        expect(unfoldedValue(folded)).toBe(unfoldedValue(field));
        expect(split(folded.raw, true)).toMatchObject({ fields: [{ raw: folded.raw }] });
        const given = field.raw.toString().split('\r\n');
        for (const line of folded.raw.toString().split('\r\n')) {
          if (line.length > 30) expect(line).not.toMatch(/^.{10,28}\S[ \t]\S/);
          if (/^[ \t]*$/.test(line)) expect(given).toContain(line);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
