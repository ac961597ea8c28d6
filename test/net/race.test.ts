import { describe, expect, test, vi } from 'vitest';
import { race } from '../../src/net/race.ts';

/** Runners whose ends the test decides. */
function stadium(candidates: readonly string[], stop = new AbortController()) {
  const events: string[] = [];
  const ends = new Map<string, { win(): void; fail(): void }>();
  const result = race<string, string>({
    candidates,
    stagger: 250,
    signal: stop.signal,
    discard: (late) => events.push(`discard ${late}`),
    start: (name, signal) => {
      events.push(`start ${name}`);
      signal.addEventListener('abort', () => events.push(`stop ${name}`));
      return new Promise((resolve, reject) => {
        ends.set(name, { win: () => resolve(name), fail: () => reject(new Error(`${name} fell`)) });
      });
    },
  });
  return { events, result, stop, at: (name: string) => ends.get(name) };
}

/** Lets what is settled be noticed. */
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('race()', () => {
  test('starts the next candidate when the stagger is over', async () => {
    vi.useFakeTimers();
    const { events, at, result } = stadium(['a', 'b', 'c']);
    expect(events).toEqual(['start a']);
    await vi.advanceTimersByTimeAsync(249);
    expect(events).toEqual(['start a']);
    await vi.advanceTimersByTimeAsync(1);
    expect(events).toEqual(['start a', 'start b']);
    at('b')?.win();
    expect(await result).toEqual({ won: true, result: 'b' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(events).toEqual(['start a', 'start b', 'stop a', 'stop b']);
    vi.useRealTimers();
  });

  test('starts the next candidate at once when the last has failed', async () => {
    vi.useFakeTimers();
    const { events, at, result } = stadium(['a', 'b']);
    at('a')?.fail();
    await settle();
    expect(events).toEqual(['start a', 'start b']);
    at('b')?.fail();
    expect(await result).toMatchObject({ won: false, failures: [{ candidate: 'a' }, { candidate: 'b' }] });
    vi.useRealTimers();
  });

  test('lets go of a candidate when it wins too late', async () => {
    vi.useFakeTimers();
    const { events, at, result } = stadium(['a', 'b']);
    await vi.advanceTimersByTimeAsync(250);
    at('a')?.win();
    at('b')?.win();
    expect(await result).toEqual({ won: true, result: 'a' });
    await settle();
    expect(events.at(-1)).toBe('discard b');
    vi.useRealTimers();
  });

  test('ends with the failures so far when the signal is aborted', async () => {
    vi.useFakeTimers();
    const { at, result, stop } = stadium(['a', 'b', 'c']);
    at('a')?.fail();
    await settle();
    stop.abort();
    expect(await result).toMatchObject({ won: false, failures: [{ candidate: 'a' }] });
    vi.useRealTimers();
  });

  test('ends at once when there is no candidate, or the signal is aborted before', async () => {
    const stop = new AbortController();
    expect(await stadium([]).result).toEqual({ won: false, failures: [] });
    stop.abort();
    const { events, result } = stadium(['a'], stop);
    expect(await result).toEqual({ won: false, failures: [] });
    expect(events).toEqual([]);
  });
});
