import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { parseSize } from '../../src/config/size.ts';

describe('parseDuration()', () => {
  const good = (text: string, want: number) => test(`reads ${text}`, () => expect(parseDuration(text)).toBe(want));
  const bad = (text: string, why: string) =>
    test(`refuses ${JSON.stringify(text)}: ${why}`, () => expect(parseDuration(text)).toBeUndefined());
  good('250ms', 250);
  good('0s', 0);
  good('90s', 90_000);
  good('5m', 300_000);
  good('1h30m', 5_400_000);
  good('2d', 172_800_000);
  good('1d1h1m1s1ms', 90_061_001);
  bad('', 'nothing');
  bad('5', 'no unit');
  bad('m', 'no number');
  bad('5 m', 'a blank');
  bad('30m1h', 'wrong order');
  bad('1m1m', 'twice');
  bad('1.5h', 'not whole');
  bad('-5m', 'negative');
  bad('5M', 'no such unit');
  bad('400d', 'more than a year');
  bad('9999999999s', 'more than a year');
  bad('5m\n', 'a line end');

  test('reads what its units spell', () => {
    const part = fc.nat(99);
    fc.assert(
      fc.property(part, part, part, (h, m, s) => {
        expect(parseDuration(`${h}h${m}m${s}s`)).toBe(((h * 60 + m) * 60 + s) * 1000);
      }),
      { seed: 8601 },
    );
  });
});

describe('parseSize()', () => {
  const good = (text: string, want: number) => test(`reads ${text}`, () => expect(parseSize(text)).toBe(want));
  const bad = (text: string, why: string) =>
    test(`refuses ${JSON.stringify(text)}: ${why}`, () => expect(parseSize(text)).toBeUndefined());
  good('0', 0);
  good('1000', 1000);
  good('1000B', 1000);
  good('512k', 524_288);
  good('25MB', 26_214_400);
  good('25MiB', 26_214_400);
  good('1G', 1_073_741_824);
  bad('', 'nothing');
  bad('MB', 'no number');
  bad('1.5M', 'not whole');
  bad('-1', 'negative');
  bad('25 MB', 'a blank');
  bad('25T', 'no such unit');
  bad('9999999999999', 'too many digits');
  bad('999999999999G', 'not a safe integer');
});

describe('formatDuration()', () => {
  test.each([
    [0, '0s'],
    [250, '250ms'],
    [90_000, '1m30s'],
    [432_000_000, '5d'],
    [7_200_000, '2h'],
    [90_061_001, '1d1h1m1s1ms'],
  ])('%d is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test('is what parseDuration() reads', () => {
    fc.assert(
      fc.property(fc.nat(366 * 86_400_000), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});
