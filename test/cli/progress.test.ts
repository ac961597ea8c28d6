import { describe, expect, it } from 'vitest';
import { createProgress, formatOctets } from '../../src/cli/progress.ts';

function watched(columns = 80) {
  let clock = 0;
  const written: string[] = [];
  const progress = createProgress({ write: (text) => written.push(text), monotonic: () => clock, columns });
  return { progress, written, pass: (milliseconds: number) => (clock += milliseconds) };
}

describe('createProgress()', () => {
  it('shows nothing when the upload takes less than a second', () => {
    const { progress, written, pass } = watched();
    progress.sent(0, 100);
    pass(900);
    progress.sent(100, 100);
    progress.wipe();
    expect(written).toEqual([]);
  });

  it('draws over itself at most ten times a second when it takes longer, and is wiped', () => {
    const { progress, written, pass } = watched();
    progress.sent(0, 10_000_000);
    for (let step = 1; step <= 200; step += 1) {
      pass(10);
      progress.sent(step * 50_000, 10_000_000);
    }
    expect(written.length).toBeGreaterThan(5);
    expect(written.length).toBeLessThanOrEqual(11);
    expect(written[0]).toBe('\rsending 50% of 10 MB, 5.0 MB/s\x1b[K');
    progress.wipe();
    expect(written.at(-1)).toBe('\r\x1b[K');
  });

  it('says whom it waits for when there is a pause', () => {
    const { progress, written } = watched();
    progress.waiting(10_000, 1);
    progress.waiting(300_000, 3);
    expect(written).toEqual([
      '\rdeferred: trying one recipient again in 10 s\x1b[K',
      '\rdeferred: trying 3 recipients again in 5 min\x1b[K',
    ]);
  });

  it('keeps within the line when the terminal is narrow', () => {
    const { progress, written } = watched(20);
    progress.waiting(10_000, 1);
    expect(written[0]).toBe('\rdeferred: trying on\x1b[K');
  });
});

describe('formatOctets()', () => {
  it('has a unit that fits the number', () => {
    expect([0, 999, 1000, 9900, 12_345, 999_400, 1_000_000, 250_000_000, 1.5e9].map(formatOctets)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '12 kB',
      '999 kB',
      '1.0 MB',
      '250 MB',
      '1.5 GB',
    ]);
  });
});
