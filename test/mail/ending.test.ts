import { describe, expect, it } from 'vitest';
import { createEnding } from '../../src/mail/ending.ts';

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
