import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDiskForm } from '../../src/delivery/disk-form.ts';

function made(form: 'plain' | 'mboxrd', text: string, size = Number.POSITIVE_INFINITY): string {
  const { push, end } = createDiskForm(form);
  const from = Buffer.from(text, 'latin1');
  const parts: Buffer[] = [];
  for (let at = 0; at < from.length; at += size) parts.push(push(from.subarray(at, Math.min(at + size, from.length))));
  return Buffer.concat([...parts, end()]).toString('latin1');
}

describe('createDiskForm()', () => {
  test.each([
    ['plain', 'a\r\nb\r\n', 'a\nb\n'],
    ['plain', 'a\nb', 'a\nb\n'],
    ['plain', '', ''],
    ['plain', 'a\rb\r\r\nc\r', 'a\rb\nc\n'],
    ['plain', '\r', '\n'],
    ['plain', 'From a\nFro', 'From a\nFro\n'],
    ['mboxrd', 'From a\r\nb\r\n', '>From a\nb\n'],
    ['mboxrd', '>From a\n>>From \nb', '>>From a\n>>>From \nb\n'],
    ['mboxrd', 'Fro\nFrom\n From x\n>\n', 'Fro\nFrom\n From x\n>\n'],
    ['mboxrd', 'FFrom x\n\rFrom x\n> From x\n', 'FFrom x\n\rFrom x\n> From x\n'],
    ['mboxrd', 'Fr\rom x\nF>From ', 'Fr\rom x\nF>From \n'],
    ['mboxrd', 'a\r\r\rFrom x\r\r\nFrom ', 'a\r\r\rFrom x\n>From \n'],
    ['mboxrd', '\xff\0From \n\xff', '\xff\0From \n\xff\n'],
  ] as const)('%s makes %j to %j', (form, text, want) => {
    expect(made(form, text)).toBe(want);
  });

  test('makes the same of bytes that are cut anywhere', () => {
    const text = fc
      .array(fc.constantFrom('\r', '\n', '\r\n', '>', 'From ', 'F', 'ro', 'm x', '\xe4'))
      .map((all) => all.join(''));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 5 }), fc.constantFrom('plain', 'mboxrd'), (bytes, size, form) => {
        expect(made(form, bytes, size)).toBe(made(form, bytes));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('leaves no line that is taken for the start of a message, and can be undone', () => {
    const text = fc.array(fc.constantFrom('\n', '>', '>>', 'From ', 'x', 'Fr')).map((all) => all.join(''));
    fc.assert(
      fc.property(text, (bytes) => {
        const mbox = made('mboxrd', bytes);
        expect(mbox).not.toMatch(/^From /m);
        expect(mbox.replace(/^>(>*From )/gm, '$1')).toBe(made('plain', bytes));
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test('keeps a run of CRs that is longer than it waits for', () => {
    const run = '\r'.repeat(70_000);
    expect(made('mboxrd', `${run}x`, 1000)).toBe(`${run}x\n`);
  });
});
