import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_HEADER, MessageError, split, splitHead } from '../../src/message/split.ts';

interface Want {
  readonly fields: readonly string[];
  readonly body: string;
}

function apart(text: string | Buffer): Want {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1');
  const found = split(bytes, true);
  if (found === 'more') throw new Error('undecided at the end');
  return {
    fields: found.fields.map((field) => field.raw.toString('latin1')),
    body: bytes.toString('latin1', found.bodyOffset),
  };
}

describe('split()', () => {
  const good = (name: string, text: string, fields: readonly string[], body: string) =>
    it(`splits ${name}`, () => expect(apart(text)).toEqual({ fields, body }));

  good('LF lines', 'A: 1\nB: 2\n\nbody\n', ['A: 1\r\n', 'B: 2\r\n'], 'body\n');
  good('CRLF lines', 'A: 1\r\nB: 2\r\n\r\nbody\r\n', ['A: 1\r\n', 'B: 2\r\n'], 'body\r\n');
  good('CR CR LF lines', 'A: 1\r\r\nB: 2\r\r\n\r\r\nbody', ['A: 1\r\n', 'B: 2\r\n'], 'body');
  good('bare CR lines', 'A: 1\rB: 2\r\rbody\r', ['A: 1\r\n', 'B: 2\r\n'], 'body\r');
  good('mixed lines', 'A: 1\n 2\r\n 3\r 4\nB: 2\r\n\nbody', ['A: 1\r\n 2\r\n 3\r\n 4\r\n', 'B: 2\r\n'], 'body');
  good('folding, byte for byte', 'A:  x \r\n\t y\r\n \r\nb :z\r\n\r\n', ['A:  x \r\n\t y\r\n \r\n', 'b :z\r\n'], '');
  good('mbox lines', 'From a@b Thu Jan  1 00:00:00 1970\n>From c d\nA: 1\n\nb', ['A: 1\r\n'], 'b');
  good('an obsolete From field', 'From : a@b\n\nb', ['From : a@b\r\n'], 'b');
  good('an mbox line further down as the body', 'A: 1\nFrom x y\nB: 2\n', ['A: 1\r\n'], 'From x y\nB: 2\n');
  good('a blank first line', '\nA: 1\n\nb', [], 'A: 1\n\nb');
  good('a blank line behind an mbox line', 'From x\n\nA: 1\n', [], 'A: 1\n');
  good('no header', 'hello world\nA: 1\n', [], 'hello world\nA: 1\n');
  good('a continuation without a field', ' hello\nA: 1\n', [], ' hello\nA: 1\n');
  good('no blank line', 'A: 1\nhello world\n', ['A: 1\r\n'], 'hello world\n');
  good('no body', 'A: 1\n', ['A: 1\r\n'], '');
  good('no final line end', 'A: 1', ['A: 1\r\n'], '');
  good('no final line end in a folded field', 'A: 1\n 2', ['A: 1\r\n 2\r\n'], '');
  good('an empty message', '', [], '');
  good('one line end', '\r\n', [], '');
  good('a colon without a name', ': x\n\nb', [], ': x\n\nb');
  good('a name with an octet above 126', 'A\xe9: x\n\nb', [], 'A\xe9: x\n\nb');
  good('8-bit and NUL in a value', 'A: \xe9\0\n\nb', ['A: \xe9\0\r\n'], 'b');
  good('an empty value', 'A:\nB:\n\n', ['A:\r\n', 'B:\r\n'], '');

  it('gives the name as spelled, without the blanks before the colon', () => {
    const found = split(Buffer.from('sUbJect \t: x\n\n'), true);
    expect(found).toMatchObject({ fields: [{ name: 'sUbJect' }] });
  });

  it('asks for more exactly until the answer cannot change, when cut anywhere', () => {
    const texts = [
      'From x\nA: 1\r\n 2\r\r\nB : 3\n\r\nbody',
      'A: 1\rB: 2\r\rbody',
      'A: 1\nnot a field\nB: 2',
      '\n',
      'no header',
    ];
    for (const text of texts) {
      const bytes = Buffer.from(text);
      const whole = split(bytes, true);
      for (let length = 0; length <= bytes.length; length++) {
        const part = split(bytes.subarray(0, length), false);
        if (part !== 'more') expect(part).toEqual(whole);
      }
    }
  });

  it('keeps every octet but mbox lines and line ends, whatever the bytes', () => {
    const piece = fc.constantFrom('A: 1', 'B', ' ', '\t', ':', '\r', '\n', '\r\n', 'From x', '\0', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        const { fields, body } = apart(text);
        const bare = (all: string) => all.replace(/[\r\n]/g, '');
        expect(text.endsWith(body)).toBe(true);
        expect(bare(text)).toMatch(/^(?:>?From x.*)?/);
        expect(bare(text).endsWith(bare(fields.join('') + body))).toBe(true);
        for (const raw of fields) expect(raw).toMatch(/^[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n$/);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('takes a line of 4 MiB and 50,000 folds in linear time', () => {
    const long = Buffer.from(`A: ${'x'.repeat(4 << 20)}\nB: 1\n${' y\n'.repeat(50_000)}\nbody`);
    const found = split(long, true);
    expect(found).toMatchObject({ bodyOffset: long.length - 4, fields: [{ name: 'A' }, { name: 'B' }] });
  });

  it('refuses more fields than memory is set aside for', () => {
    expect(() => split(Buffer.from('a:\n'.repeat(100_001)), true)).toThrow(MessageError);
  });
});

describe('splitHead()', () => {
  const reader = (bytes: Buffer) => {
    const asked: number[] = [];
    const head = async (octets: number) => {
      asked.push(octets);
      return bytes.subarray(0, octets);
    };
    return { asked, head };
  };

  it('reads once where the header is short', async () => {
    const { asked, head } = reader(Buffer.from(`A: 1\n\n${'x'.repeat(200_000)}`));
    expect((await splitHead(200_006, head)).bodyOffset).toBe(6);
    expect(asked).toEqual([65_536]);
  });

  it('reads four times as much until the header is whole', async () => {
    const bytes = Buffer.from(`A: ${'y'.repeat(300_000)}\n\nbody${'z'.repeat(900_000)}`);
    const { asked, head } = reader(bytes);
    expect((await splitHead(bytes.length, head)).bodyOffset).toBe(300_005);
    expect(asked).toEqual([65_536, 262_144, 1_048_576]);
  });

  it('refuses a header above the limit', async () => {
    const bytes = Buffer.alloc(MAX_HEADER + 10, 'A:');
    await expect(splitHead(bytes.length, reader(bytes).head)).rejects.toThrow(MessageError);
  });

  it('decides at the end of an empty message', async () => {
    expect(await splitHead(0, async () => Buffer.alloc(0))).toEqual({ fields: [], bodyOffset: 0 });
  });
});
