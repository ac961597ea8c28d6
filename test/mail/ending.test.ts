import { describe, expect, it, vi } from 'vitest';
import { createEnding, inTime, sleep } from '../../src/mail/ending.ts';

describe('createEnding()', () => {
  it('tells each listener once, in their order, and those no more that have left', () => {
    const { signal, abort } = createEnding();
    const told: string[] = [];
    const leaving = (): void => void told.push('leaving');
    signal.addEventListener('abort', () => told.push('first'));
    signal.addEventListener('abort', leaving);
    signal.addEventListener('abort', () => told.push(`last ${signal.aborted}`));
    signal.removeEventListener('abort', leaving);
    expect([signal.aborted, told]).toEqual([false, []]);
    abort();
    abort();
    expect([signal.aborted, told]).toEqual([true, ['first', 'last true']]);
  });
});

describe('sleep()', () => {
  it('ends after its time, or as soon as it is told to', async () => {
    vi.useFakeTimers();
    const { signal, abort } = createEnding();
    const ended: string[] = [];
    const sleeps = [
      sleep(1000).then(() => ended.push('alone')),
      sleep(500, signal).then(() => ended.push('in time')),
      sleep(60_000, signal).then(() => ended.push('told')),
    ];
    await vi.advanceTimersByTimeAsync(600);
    expect(ended).toEqual(['in time']);
    abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(ended).toEqual(['in time', 'told']);
    await vi.advanceTimersByTimeAsync(400);
    await Promise.all([...sleeps, sleep(60_000, signal)]);
    expect([ended, vi.getTimerCount()]).toEqual([['in time', 'told', 'alone'], 0]);
    vi.useRealTimers();
  });
});

describe('inTime()', () => {
  it('gives what comes of the work, and nothing where it takes too long', async () => {
    vi.useFakeTimers();
    const never = inTime(new Promise<string>(() => {}), 100);
    expect([await inTime(Promise.resolve('done'), 100), vi.getTimerCount()]).toEqual(['done', 1]);
    await expect(inTime(Promise.reject(new Error('broken')), 100)).rejects.toThrow('broken');
    await vi.advanceTimersByTimeAsync(100);
    expect([await never, vi.getTimerCount()]).toEqual([undefined, 0]);
  });
});
