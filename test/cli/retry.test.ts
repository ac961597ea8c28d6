import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextPause } from '../../src/cli/retry.ts';

const HOUR = 3_600_000;
const middle = (attempts: number, elapsed = 0, limit = HOUR * 100) =>
  nextPause({ attempts, elapsed, limit, random: 0.5 });

describe('nextPause()', () => {
  it('grows from one second to a quarter of an hour when attempts follow each other', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1000].map((attempts) => middle(attempts))).toEqual([
      1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 900_000, 900_000,
    ]);
  });

  it('is a fifth shorter or longer when chance says so', () => {
    const state = { attempts: 4, elapsed: 0, limit: HOUR };
    expect(nextPause({ ...state, random: 0 })).toBe(8000);
    expect(nextPause({ ...state, random: 0.999_999 })).toBe(12_000);
  });

  it('is undefined when there is no time, or no more', () => {
    expect(middle(1, 0, 0)).toBeUndefined();
    expect(middle(3, 5000, 5000)).toBeUndefined();
    expect(middle(3, 5001, 5000)).toBeUndefined();
    expect(middle(1, 0, Number.NaN)).toBeUndefined();
  });

  it('ends at the deadline when the pause would leave little or nothing behind it', () => {
    expect(middle(6, 0, 40_000)).toBe(40_000);
    expect(middle(6, 0, 89_999)).toBe(89_999);
    expect(middle(6, 0, 90_000)).toBe(60_000);
  });

  it('never goes past the deadline, and always makes progress', () => {
    const state = fc.record({
      attempts: fc.integer({ min: 1, max: 40 }),
      elapsed: fc.nat(10_000_000),
      limit: fc.nat(10_000_000),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(state, (each) => {
        const pause = nextPause(each);
        return pause === undefined ? each.elapsed >= each.limit : pause > 0 && each.elapsed + pause <= each.limit;
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('tries at least four times within the first minute, and often enough for five minutes of greylisting', () => {
    const times: number[] = [];
    let elapsed = 0;
    for (let attempts = 1; elapsed < 600_000; attempts += 1) {
      elapsed += middle(attempts, elapsed, 600_000) ?? HOUR;
      times.push(elapsed);
    }
    expect(times.filter((time) => time < 60_000).length).toBeGreaterThanOrEqual(4);
    expect(times.some((time) => time > 300_000 && time <= 600_000)).toBe(true);
  });
});
