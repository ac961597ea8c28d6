import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUN_LIMIT } from '../../src/message/lines.ts';
import { type BodyFacts, combine, createScanner, scanBytes, scanSource } from '../../src/message/scan.ts';
import { memorySource } from '../../src/message/source.ts';
import { inChunks, lineSoup, reference } from '../support/lines.ts';

const WAYS = ['plain', 'simd'] as const;

function scan(chunks: Iterable<Buffer>, way: 'plain' | 'simd'): BodyFacts {
  const scanner = createScanner(way);
  for (const chunk of chunks) scanner.push(chunk);
  return scanner.end();
}

/** Facts found by splitting text. */
function slowly(bytes: Buffer): BodyFacts {
  const text = reference(bytes, 'plain');
  const lines = text.split('\r\n').slice(0, -1);
  return {
    size: text.length,
    eightBit: /[\x80-\xff]/.test(text),
    longestLine: lines.reduce((longest, line) => Math.max(longest, line.length), 0),
    nul: text.includes('\0'),
    dotLine: lines.some((line) => line.startsWith('.')),
  };
}

const nothing: BodyFacts = { size: 0, eightBit: false, longestLine: 0, nul: false, dotLine: false };

const good = (text: string, want: Partial<BodyFacts>): void => {
  for (const way of WAYS) {
    expect(scan([Buffer.from(text, 'latin1')], way), `${way} ${JSON.stringify(text)}`).toEqual({ ...nothing, ...want });
  }
};

describe('scan', () => {
  it('scan finds size and longest line by the rule of line ends', () => {
    good('', {});
    good('\n', { size: 2 });
    good('a', { size: 3, longestLine: 1 });
    good('abc\nde\n', { size: 9, longestLine: 3 });
    good('abc\r\r\nde\rf', { size: 12, longestLine: 3 });
    good('\r\r', { size: 4 });
    good(`${'x'.repeat(998)}\n${'y'.repeat(16)}`, { size: 1018, longestLine: 998 });
  });

  it('scan finds 8-bit octets, NUL and dots that start a line, wherever they are', () => {
    for (const at of [0, 1, 15, 16, 17, 31, 32, 63, 64, 65, 200]) {
      const before = 'x'.repeat(at);
      good(`${before}\x80`, { size: at + 3, longestLine: at + 1, eightBit: true });
      good(`${before}\xff\n`, { size: at + 3, longestLine: at + 1, eightBit: true });
      good(`${before}\x7f\n`, { size: at + 3, longestLine: at + 1 });
      good(`${before}\0`, { size: at + 3, longestLine: at + 1, nul: true });
      good(`${before}\n.`, { size: at + 5, longestLine: Math.max(at, 1), dotLine: true });
      good(`${before}\r.`, { size: at + 5, longestLine: Math.max(at, 1), dotLine: true });
      good(`${before}\na.\n`, { size: at + 6, longestLine: Math.max(at, 2) });
    }
  });

  it('scan counts on after a run of CRs that is decided early', () => {
    good(`${'\r'.repeat(RUN_LIMIT)}\n.`, { size: 2 * (RUN_LIMIT + 1) + 3, longestLine: 1, dotLine: true });
    good(`${'\r'.repeat(RUN_LIMIT - 1)}\n.`, { size: 5, longestLine: 1, dotLine: true });
  });

  it('scan is not misled by what an earlier chunk has left in memory', () => {
    scan([Buffer.from('\x80\0'.repeat(500), 'latin1')], 'simd');
    good('abc', { size: 5, longestLine: 3 });
  });

  it('scan finds the same however the bytes are cut and by whichever way', () => {
    fc.assert(
      fc.property(lineSoup, fc.integer({ min: 1, max: 70 }), (bytes, length) => {
        const want = slowly(bytes);
        for (const way of WAYS) {
          expect(scan([bytes], way)).toEqual(want);
          expect(scan(inChunks(bytes, length), way)).toEqual(want);
        }
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it('scan finds the same when long lines let it take 64 octets at once', () => {
    const long = Buffer.from(`${'x'.repeat(64)}\n`);
    const dense = fc
      .array(fc.constantFrom('\n', '\r\n', '\r\n', '.', 'abc', 'x'.repeat(30), 'y'.repeat(61), '\r', '\xe9'), {
        maxLength: 80,
      })
      .map((parts) => Buffer.from(parts.join(''), 'latin1'));
    fc.assert(
      fc.property(dense, fc.integer({ min: 60, max: 200 }), (tail, length) => {
        const bytes = Buffer.concat([long, tail]);
        const want = slowly(bytes);
        expect(scan([bytes], 'simd')).toEqual(want);
        expect(scan(inChunks(bytes, length), 'simd')).toEqual(want);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  it('scanBytes() and scanSource() find the same in more than one piece of SIMD memory', async () => {
    const bytes = Buffer.from(`${'0123456789'.repeat(7)}\n.\r`.repeat(9000), 'latin1');
    expect(scanBytes(bytes)).toEqual(slowly(bytes));
    expect(await scanSource(memorySource(bytes))).toEqual(slowly(bytes));
    const { size, chunks } = memorySource(bytes);
    expect(await scanSource({ size, chunks })).toEqual(slowly(bytes));
  });

  it('combine() makes the facts of a message from those of its parts', () => {
    const header: BodyFacts = { size: 20, eightBit: true, longestLine: 16, nul: false, dotLine: false };
    expect(combine(header, { ...nothing, size: 9, longestLine: 7, nul: true })).toEqual({
      size: 29,
      eightBitHeader: true,
      eightBitBody: false,
      longestLine: 16,
      nul: true,
    });
  });
});
