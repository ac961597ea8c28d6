import { describe, expect, test } from 'vitest';
import { parseRate, type Rate } from '../../src/config/rate.ts';
import { type Bucket, takeToken, waitFor } from '../../src/queue/rate.ts';

describe('parseRate()', () => {
  const good = (text: string, want: Rate) => test(`reads ${text}`, () => expect(parseRate(text)).toEqual(want));
  const bad = (text: string, why: string) =>
    test(`refuses ${JSON.stringify(text)}: ${why}`, () => expect(parseRate(text)).toBeUndefined());

  good('30/min', { count: 30, per: 60_000 });
  good('1/s', { count: 1, per: 1000 });
  good('2/sec', { count: 2, per: 1000 });
  good('500 / h', { count: 500, per: 3_600_000 });
  good('2000/d', { count: 2000, per: 86_400_000 });
  bad('', 'nothing');
  bad('30', 'no time');
  bad('0/min', 'nothing would ever leave');
  bad('1.5/min', 'half a message');
  bad('30/month', 'no such unit');
  bad('-1/min', 'less than nothing');
  bad('30/min/s', 'two times');
});

describe('takeToken()', () => {
  /** When so many messages leave, in milliseconds, where each takes the first token that there is. */
  function times(rate: Rate, count: number): number[] {
    let bucket: Bucket | undefined;
    let now = 1000;
    return Array.from({ length: count }, () => {
      for (let wait = waitFor(rate, bucket, now); wait > 0; wait = waitFor(rate, bucket, now)) now += wait;
      bucket = takeToken(rate, bucket, now);
      return Math.round(now - 1000);
    });
  }

  test('lets a tenth go at once and spaces the others', () => {
    expect(times({ count: 30, per: 60_000 }, 6)).toEqual([0, 0, 0, 2000, 4000, 6000]);
    expect(times({ count: 1, per: 1000 }, 3)).toEqual([0, 1000, 2000]);
  });

  test('never lets much more than the rate out in its own time', () => {
    const rate = { count: 30, per: 60_000 };
    const left = times(rate, 200);
    const most = Math.max(...left.map((start) => left.filter((at) => at >= start && at < start + rate.per).length));
    expect(most).toBeLessThanOrEqual(33);
  });

  test('gathers no more than a tenth while nothing leaves, and nothing where the clock went back', () => {
    const rate = { count: 20, per: 20_000 };
    const bucket = takeToken(rate, takeToken(rate, undefined, 0), 0);
    expect(waitFor(rate, bucket, 0)).toBe(1000);
    expect(waitFor(rate, bucket, -5_000)).toBe(1000);
    const later = takeToken(rate, takeToken(rate, bucket, 1e9), 1e9);
    expect(waitFor(rate, later, 1e9)).toBe(1000);
  });
});
