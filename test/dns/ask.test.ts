import { describe, expect, test } from 'vitest';
import type { ServerReply } from '../../src/dns/answer.ts';
import { createAsk, type Exchanged, type Manner } from '../../src/dns/ask.ts';

const QUESTION = { name: 'example.org', type: 'A' } as const;
const A = { address: '192.0.2.1', port: 53 };
const B = { address: '2001:db8::1', port: 5353 };
const C = { address: '127.0.0.1', port: 53 };

const reply = (facts: Partial<ServerReply> = {}): Exchanged => ({
  kind: 'reply',
  reply: {
    code: 0,
    isAuthoritative: false,
    canRecurse: true,
    isAuthentic: false,
    records: [],
    authorities: 0,
    ...facts,
  },
});
const SILENCE: Exchanged = { kind: 'silence' };

interface Script {
  readonly answers: Readonly<Record<string, (manner: Manner) => Exchanged>>;
  readonly rotate?: boolean;
  readonly attempts?: number;
  readonly trustAd?: boolean;
  /** Milliseconds that each exchange takes. */
  readonly takes?: number;
}

function askWith({ answers, rotate = false, attempts = 2, trustAd = false, takes = 0 }: Script) {
  const asked: string[] = [];
  let clock = 0;
  const ask = createAsk({
    servers: [A, B, C],
    timeout: 1000,
    attempts,
    rotate,
    trustAd,
    useTcp: false,
    start: 1,
    now: () => clock,
    exchange: async ({ address }, _, manner) => {
      clock += takes;
      asked.push(`${address} ${manner.transport}${manner.hasEdns ? ' edns' : ''}`);
      return answers[address]?.(manner) ?? SILENCE;
    },
  });
  return { ask: (deadline = 60_000) => ask(QUESTION, deadline), asked };
}

describe('ask()', () => {
  test('goes through all servers as often as told', async () => {
    const { ask, asked } = askWith({ answers: {}, attempts: 2 });
    expect(await ask()).toEqual({
      kind: 'unknown',
      text: '192.0.2.1 timed out; [2001:db8::1]:5353 timed out; 127.0.0.1 timed out',
    });
    expect(asked.map((line) => line.split(' ')[0])).toEqual([A, B, C, A, B, C].map(({ address }) => address));
  });

  test('asks a server that was silent after the others from then on (N24)', async () => {
    const { ask, asked } = askWith({ answers: { [B.address]: () => reply() } });
    await ask();
    await ask();
    expect(asked).toEqual(['192.0.2.1 udp edns', '2001:db8::1 udp edns', '2001:db8::1 udp edns']);
  });

  test('starts with another server each time where rotate is set', async () => {
    const good = () => reply();
    const { ask, asked } = askWith({
      answers: { [A.address]: good, [B.address]: good, [C.address]: good },
      rotate: true,
    });
    for (let time = 0; time < 4; time += 1) await ask();
    expect(asked.map((line) => line.split(' ')[0])).toEqual([B, C, A, B].map(({ address }) => address));
  });

  test('asks without EDNS where it is refused or was not answered (N25)', async () => {
    const refusing = askWith({ answers: { [A.address]: ({ hasEdns }) => reply({ code: hasEdns ? 1 : 0 }) } });
    await refusing.ask();
    await refusing.ask();
    expect(refusing.asked).toEqual(['192.0.2.1 udp edns', '192.0.2.1 udp', '192.0.2.1 udp']);
    const dropping = askWith({ answers: { [A.address]: ({ hasEdns }) => (hasEdns ? SILENCE : reply()) } });
    await dropping.ask();
    await dropping.ask();
    expect(dropping.asked.filter((line) => line.startsWith(A.address))).toEqual([
      '192.0.2.1 udp edns',
      '192.0.2.1 udp',
      '192.0.2.1 udp',
    ]);
  });

  test('believes no answer that stays truncated over TCP', async () => {
    const { ask, asked } = askWith({
      answers: { [A.address]: () => ({ kind: 'truncated' }), [B.address]: () => reply() },
    });
    expect(await ask()).toMatchObject({ kind: 'reply' });
    expect(asked[1]).toBe('192.0.2.1 tcp edns');
    expect(asked.at(-1)).toBe('2001:db8::1 udp edns');
  });

  test('takes NXDOMAIN as an answer, and a referral or any other code as none', async () => {
    const first = async (facts: Partial<ServerReply>) =>
      askWith({ answers: { [A.address]: () => reply(facts) }, attempts: 1 }).ask();
    expect(await first({ code: 3 })).toMatchObject({ kind: 'reply' });
    expect(await first({ code: 0, canRecurse: false, isAuthoritative: true })).toMatchObject({ kind: 'reply' });
    expect(await first({ canRecurse: false })).toMatchObject({ text: expect.stringContaining('knows nothing') });
    expect(await first({ code: 2 })).toMatchObject({ text: expect.stringContaining('SERVFAIL') });
    expect(await first({ code: 5 })).toMatchObject({ text: expect.stringContaining('REFUSED') });
    expect(await first({ code: 23 })).toMatchObject({ text: expect.stringContaining('code 23') });
  });

  test('keeps the AD bit only of servers that are trusted (T23)', async () => {
    const signed = () => reply({ isAuthentic: true });
    const from = (address: string, trustAd = false) => askWith({ answers: { [address]: signed }, trustAd }).ask();
    expect(await from(A.address)).toMatchObject({ authentic: false });
    expect(await from(A.address, true)).toMatchObject({ authentic: true });
    expect(await from(C.address)).toMatchObject({ authentic: true });
  });

  test('stops at the deadline', async () => {
    const { ask, asked } = askWith({ answers: {}, attempts: 5, takes: 1000 });
    expect(await ask(2500)).toMatchObject({ kind: 'unknown' });
    expect(asked).toHaveLength(3);
  });
});
