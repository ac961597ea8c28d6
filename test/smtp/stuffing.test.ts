import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_LIMIT } from '../../src/message/lines.ts';
import { scanBytes } from '../../src/message/scan.ts';
import { createStuffer } from '../../src/smtp/stuffing.ts';
import { inChunks, lineSoup, reference, SMUGGLES } from '../support/lines.ts';

const WAYS = ['plain', 'simd'] as const;
const FORMS = ['dots', 'plain'] as const;
type Form = (typeof FORMS)[number];

function wire(chunks: Iterable<Buffer>, form: Form, way: 'auto' | 'plain' | 'simd' = 'auto'): string {
  const stuffer = createStuffer(form, way);
  let text = '';
  for (const chunk of chunks) text += stuffer.push(chunk).toString('latin1');
  return text + stuffer.end().toString('latin1');
}

const good = (text: string, want: string): void => {
  for (const way of WAYS) {
    expect(wire([Buffer.from(text, 'latin1')], 'dots', way), `${way} ${JSON.stringify(text)}`).toBe(want);
  }
};

describe('createStuffer', () => {
  it('push() adds one dot to each line that starts with a dot', () => {
    good('.\n', '..\r\n.\r\n');
    good('..\r\n', '...\r\n.\r\n');
    good('.a\n.b\na.\n', '..a\r\n..b\r\na.\r\n.\r\n');
    good('a\r.b\n', 'a\r\n..b\r\n.\r\n');
    good('a\n\n.\n', 'a\r\n\r\n..\r\n.\r\n');
    good('. \n', '.. \r\n.\r\n');
    good('a\r\n.\r\nb', 'a\r\n..\r\nb\r\n.\r\n');
  });

  it('end() adds the missing line end and the final dot once', () => {
    good('', '.\r\n');
    good('a', 'a\r\n.\r\n');
    good('a\n', 'a\r\n.\r\n');
    good('a\r\n', 'a\r\n.\r\n');
    good('a\r', 'a\r\n.\r\n');
    good('.', '..\r\n.\r\n');
    good('a\n.', 'a\r\n..\r\n.\r\n');
  });

  it('end() gives just the final dot when there is no body after the blank line', () => {
    expect(wire([Buffer.from('Subject: a\r\n\r\n')], 'dots')).toBe('Subject: a\r\n\r\n.\r\n');
    expect(wire([Buffer.from('Subject: a\r\n\r\n'), Buffer.from('.')], 'dots')).toBe('Subject: a\r\n\r\n..\r\n.\r\n');
  });

  it('push() stuffs nothing in form plain', () => {
    expect(wire([Buffer.from('.\n.a\r.')], 'plain')).toBe('.\r\n.a\r\n.\r\n');
    expect(wire([], 'plain')).toBe('');
  });

  it.each(SMUGGLES)('push() leaves no second message in %j', (text) => {
    for (const way of WAYS) {
      for (let length = 1; length <= 8; length++) {
        const sent = wire(inChunks(Buffer.from(text, 'latin1'), length), 'dots', way);
        expect(sent).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
        expect(sent.indexOf('\r\n.\r\n')).toBe(sent.length - 5);
        expect(sent).toContain('MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsecond\r\n');
        expect(sent).toBe(reference(Buffer.from(text, 'latin1'), 'dots'));
      }
    }
  });

  it('push() gives the same wherever the bytes are cut in two', () => {
    const bytes = Buffer.from('.a\r\n..\n.\r\r\n\r.b\r\r.\n\r\nxxxxxxxxxxxxxxxxxxxxxxxx\r\n.c\r', 'latin1');
    for (const form of FORMS) {
      for (let cut = 0; cut <= bytes.length; cut++) {
        for (const way of WAYS) {
          expect(wire([bytes.subarray(0, cut), bytes.subarray(cut)], form, way)).toBe(reference(bytes, form));
        }
      }
    }
  });

  it('push() gives what plain replacements give, and scan its size, when fed anything in any cut', () => {
    fc.assert(
      fc.property(lineSoup, fc.integer({ min: 1, max: 70 }), fc.constantFrom(...FORMS), (bytes, length, form) => {
        const want = reference(bytes, form);
        for (const way of WAYS) {
          expect(wire([bytes], form, way)).toBe(want);
          expect(wire(inChunks(bytes, length), form, way)).toBe(want);
        }
        expect(wire([bytes], 'plain').length).toBe(scanBytes(bytes).size);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('push() keeps a run of CRs undecided over chunks, up to its limit', () => {
    const run = Buffer.alloc(RUN_LIMIT / 2, '\r');
    for (const way of WAYS) {
      expect(wire([run, Buffer.from('\n')], 'plain', way)).toBe('\r\n');
      expect(wire([run, run.subarray(1), Buffer.from('\n')], 'plain', way)).toBe('\r\n');
      expect(wire([run, run, Buffer.from('\n')], 'plain', way)).toBe('\r\n'.repeat(RUN_LIMIT + 1));
      expect(wire([run, Buffer.from('a')], 'plain', way)).toBe(`${'\r\n'.repeat(RUN_LIMIT / 2)}a\r\n`);
    }
  });

  it('push() holds the most that a chunk can become', () => {
    const worst = [Buffer.alloc(RUN_LIMIT - 1, '\r'), Buffer.alloc(262_144, '.\n')];
    for (const way of WAYS) {
      const want = `${'\r\n'.repeat(RUN_LIMIT - 1)}${'..\r\n'.repeat(131_072)}.\r\n`;
      expect(wire(worst, 'dots', way) === want).toBe(true);
    }
  });

  it('push() takes chunks of any size: small, large and larger than its memory', () => {
    const text = Buffer.from(`${'0123456789'.repeat(7)}\n.\r`.repeat(12_000), 'latin1');
    const want = reference(text, 'dots');
    for (const length of [100, 131_071, 131_072, 262_144, 262_145, 700_000, text.length]) {
      expect(wire(inChunks(text, length), 'dots') === want, `${length}`).toBe(true);
    }
  });

  it('push() leaves what the push before it gave as it was', () => {
    const stuffer = createStuffer('plain', 'simd');
    const sizes = [200_000, 262_144, 600_000, 10, 262_144, 1, 900_000, 600_000, 262_144, 262_144];
    let last = stuffer.push(Buffer.alloc(sizes[0] ?? 0, 'a'));
    let letter = 'a';
    for (const size of sizes.slice(1)) {
      const next = String.fromCharCode(letter.charCodeAt(0) + 1);
      const made = stuffer.push(Buffer.alloc(size, next));
      expect(last.equals(Buffer.alloc(last.length, letter))).toBe(true);
      expect(made.equals(Buffer.alloc(size, next))).toBe(true);
      last = made;
      letter = next;
    }
  });
});
