import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, convert, lineState, missingEnds, RUN_LIMIT, roomFor } from '../../src/message/lines.ts';
import { makeSimd } from '../../src/message/simd.ts';
import { lineSoup, reference } from '../support/lines.ts';

const good = (text: string, want: string): void => {
  expect(canonical(Buffer.from(text, 'latin1')).toString('latin1'), JSON.stringify(text)).toBe(want);
};

describe('lines', () => {
  it('canonical() makes an LF with all CRs before it one line end', () => {
    good('a\nb\n', 'a\r\nb\r\n');
    good('a\r\nb\r\n', 'a\r\nb\r\n');
    good('a\r\r\nb\r\r\r\n', 'a\r\nb\r\n');
    good('a\n\nb\r\n\nc\n\r\n', 'a\r\n\r\nb\r\n\r\nc\r\n\r\n');
    good('\n', '\r\n');
    good('\r\r\n', '\r\n');
  });

  it('canonical() makes a line end of each CR that no LF follows', () => {
    good('a\rb', 'a\r\nb\r\n');
    good('a\r\rb', 'a\r\n\r\nb\r\n');
    good('a\n\rb', 'a\r\n\r\nb\r\n');
    good('a\r', 'a\r\n');
    good('a\r\r', 'a\r\n\r\n');
    good('\r', '\r\n');
  });

  it('canonical() adds the last line end where it is missing, and nothing to nothing', () => {
    good('', '');
    good('a', 'a\r\n');
    good('a\n', 'a\r\n');
    good('a\nb', 'a\r\nb\r\n');
    good('.', '.\r\n');
  });

  it('canonical() passes NUL and 8-bit octets as they are', () => {
    good('a\0b\xff\xfe\x80\n\0', 'a\0b\xff\xfe\x80\r\n\0\r\n');
    good('\x0b\x0c\x85\n', '\x0b\x0c\x85\r\n');
  });

  it('canonical() decides a run of CRs at RUN_LIMIT, and one shorter by what follows', () => {
    const run = (length: number): string => '\r'.repeat(length);
    good(`${run(RUN_LIMIT - 1)}\n`, '\r\n');
    good(`${run(RUN_LIMIT)}\n`, '\r\n'.repeat(RUN_LIMIT + 1));
    good(`${run(RUN_LIMIT - 1)}a`, `${'\r\n'.repeat(RUN_LIMIT - 1)}a\r\n`);
    good(`${run(RUN_LIMIT + 5)}\n`, '\r\n'.repeat(RUN_LIMIT + 1));
  });

  it('canonical() does what a plain replacement does when fed anything, and the second time nothing', () => {
    fc.assert(
      fc.property(lineSoup, (bytes) => {
        const once = canonical(bytes);
        expect(once.toString('latin1')).toBe(reference(bytes, 'plain'));
        expect(canonical(once).equals(once)).toBe(true);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('convert() gives the same wherever the bytes are cut', () => {
    const bytes = Buffer.from('.a\r\n..\n.\r\r\n\r.b\r\r.\n\r\n.c\r', 'latin1');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const state = lineState();
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)].map((from) => {
        const to = Buffer.alloc(roomFor(from.length, state));
        return to.toString('latin1', 0, convert({ from, to }, state, 'dots'));
      });
      expect(`${parts.join('')}${'\r\n'.repeat(missingEnds(state))}.\r\n`).toBe(reference(bytes, 'dots'));
    }
  });

  it('lines-wasm.ts holds what lines.wat compiles to', () => {
    expect(execFileSync(process.execPath, ['scripts/wat.mjs', '--check']).length).toBe(0);
  });

  it('makeSimd() gives an instance here, and null when there is no memory for it', () => {
    expect(makeSimd(65_536)).not.toBeNull();
    expect(makeSimd(2 ** 40)).toBeNull();
  });
});
