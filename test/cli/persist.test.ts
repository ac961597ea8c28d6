import { describe, expect, it } from 'vitest';
import { type Persistence, persist } from '../../src/cli/persist.ts';
import type { Recipient } from '../../src/mail/envelope.ts';
import type { DeliveryResult } from '../../src/mail/result.ts';
import { deferred, delivered, failed, reply, to } from './support.ts';

type Script = Readonly<Record<string, readonly ((recipient: Recipient) => DeliveryResult)[]>>;

/** Plays each recipient's results in order; time passes only in pauses and by `cost` in attempts. */
function play(script: Script, options: Partial<Persistence> & { cost?: number } = {}) {
  let clock = 0;
  const tried: string[][] = [];
  const seen = new Map<string, number>();
  const result = (recipient: Recipient): DeliveryResult => {
    const name = recipient.address.local;
    const at = seen.get(name) ?? 0;
    seen.set(name, at + 1);
    const turns = script[name] ?? [];
    const turn = turns[Math.min(at, turns.length - 1)];
    if (turn === undefined) throw new Error(`no result for ${name}`);
    return turn(recipient);
  };
  const pauses: number[] = [];
  const controller = new AbortController();
  const done = persist(
    Object.keys(script).map((name) => to(`${name}@example.org`)),
    {
      limit: 60_000,
      signal: controller.signal,
      attempt: async (recipients) => {
        tried.push(recipients.map(({ address }) => address.local));
        clock += options.cost ?? 0;
        return recipients.map(result);
      },
      now: () => 1_000_000 + clock,
      monotonic: () => clock,
      random: () => 0.5,
      sleep: async (milliseconds) => {
        pauses.push(milliseconds);
        clock += milliseconds;
      },
      ...options,
    },
  );
  return { done, tried, pauses, controller };
}

const ok = (recipient: Recipient) => delivered(recipient);
const later = (recipient: Recipient) => deferred(recipient);
const never = (recipient: Recipient) => failed(recipient);

describe('persist()', () => {
  it('tries once when nothing was deferred', async () => {
    const { done, tried, pauses } = play({ ann: [ok], bob: [never] });
    expect((await done).map(({ result }) => result.outcome)).toEqual(['delivered', 'failed']);
    expect([tried, pauses]).toEqual([[['ann', 'bob']], []]);
  });

  it('tries only the deferred recipients again, and keeps the order', async () => {
    const { done, tried } = play({ ann: [later, later, ok], bob: [ok], cid: [later, never] });
    const histories = await done;
    expect(tried).toEqual([['ann', 'bob', 'cid'], ['ann', 'cid'], ['ann']]);
    expect(histories.map(({ result, attempts }) => [result.outcome, attempts])).toEqual([
      ['delivered', 3],
      ['delivered', 1],
      ['failed', 2],
    ]);
  });

  it('gives up at the deadline with a last try at it', async () => {
    const { done, pauses, tried } = play({ ann: [later] }, { limit: 10_000 });
    const [history] = await done;
    expect(pauses).toEqual([1000, 2000, 7000]);
    expect(tried.length).toBe(4);
    expect(history).toMatchObject({ attempts: 4, first: 1_000_000, last: 1_010_000 });
  });

  it('does not try again when the time was used up by the attempt itself', async () => {
    const { done, tried } = play({ ann: [later] }, { limit: 5000, cost: 6000 });
    await done;
    expect(tried.length).toBe(1);
  });

  it('tries once when no time is given', async () => {
    const { done, tried } = play({ ann: [later] }, { limit: 0 });
    expect((await done)[0]?.result.outcome).toBe('deferred');
    expect(tried.length).toBe(1);
  });

  it('does not try again when the password was wrong', async () => {
    const wrong = (recipient: Recipient) => deferred(recipient, { stage: 'auth', reply: reply('535 5.7.8 no') });
    const { done, tried } = play({ ann: [wrong] });
    await done;
    expect(tried.length).toBe(1);
  });

  it('ends with what it knows when the signal comes in a pause', async () => {
    const controller = new AbortController();
    const { done, tried } = play(
      { ann: [later], bob: [ok] },
      { signal: controller.signal, sleep: async () => controller.abort() },
    );
    expect((await done).map(({ result }) => result.outcome)).toEqual(['deferred', 'delivered']);
    expect(tried.length).toBe(1);
  });

  it('tells of attempts and pauses', async () => {
    const told: string[] = [];
    const { done } = play(
      { ann: [later, ok] },
      {
        onAttempt: (attempt, number) => told.push(`attempt ${number}: ${attempt.results.length}`),
        onPause: (milliseconds, recipients) => told.push(`pause ${milliseconds} for ${recipients.length}`),
      },
    );
    await done;
    expect(told).toEqual(['attempt 1: 1', 'pause 1000 for 1', 'attempt 2: 1']);
  });
});
