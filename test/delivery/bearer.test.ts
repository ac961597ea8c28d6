import { describe, expect, test } from 'vitest';
import { withTokens } from '../../src/delivery/bearer.ts';
import { INTERRUPTED } from '../../src/delivery/failures.ts';
import type { Opening, SessionPlan } from '../../src/delivery/session.ts';
import type { Failure } from '../../src/mail/result.ts';
import type { TokenSource } from '../../src/smtp/sasl/exchange.ts';
import { reply } from '../cli/support.ts';

const PLAN: SessionPlan = {
  ...{ host: 'mx.test', addresses: ['192.0.2.1', '192.0.2.2'], port: 465, protocol: 'smtp', timeouts: {} },
  protection: {
    ...{ startTls: 'never', requireTls: false, implicit: true },
    plan: { check: 'chain', names: ['mx.test'], fingerprints: [], ca: 'system', minVersion: 'TLSv1.2' },
  },
  login: { credentials: { user: 'ann' } },
};
const PEER = { host: 'mx.test', address: '192.0.2.2', port: 465 };
const NO_TOKEN: Failure = {
  ...{ scope: 'destination', permanent: false, stage: 'auth', status: '4.4.1', text: 'no token' },
};

const refusal = (text: string): Opening => {
  const { code, status = '' } = reply(text);
  const failure = {
    scope: 'host',
    permanent: true,
    stage: 'auth',
    status,
    text: 'refused',
    reply: reply(text),
  } as const;
  return { kind: 'failure', greeted: true, peer: PEER, failure: { ...failure, permanent: code >= 500 } };
};

/** What is opened, with which token and where, when the server answers so. */
async function open(answers: readonly Opening[], tokens: Partial<TokenSource>, signal?: AbortSignal) {
  const tried: string[] = [];
  const waiting = [...answers];
  const source: TokenSource = { advice: 'advice', current: async () => 'a', instead: async () => 'b', ...tokens };
  const opening = await withTokens(PLAN, source, {
    signal,
    async open({ login, addresses }) {
      tried.push(`${login?.credentials.token} ${addresses.join(' ')}`);
      const answer = waiting.shift();
      if (answer === undefined) throw new Error('opened once too often');
      return answer;
    },
  });
  return { opening, tried };
}

const REFUSED = refusal('535 5.7.8 no');
const BOTH = '192.0.2.1 192.0.2.2';

describe('withTokens()', () => {
  test('shows another token where one was refused, at the same address, and no third', async () => {
    const other = refusal('454 4.7.0 later');
    expect(await open([REFUSED, other], {})).toEqual({ opening: other, tried: [`a ${BOTH}`, 'b 192.0.2.2'] });
    const { opening, tried } = await open([REFUSED, REFUSED], {});
    expect(tried).toHaveLength(2);
    expect(opening).toMatchObject({ failure: { reply: { code: 535 }, permanent: true, advice: 'advice' } });
  });

  test.each(['454 4.7.0 later', '504 5.5.4 what', '530 5.7.0 first TLS'])('does not where it is %s', async (text) => {
    expect(await open([refusal(text)], {})).toEqual({ opening: refusal(text), tried: [`a ${BOTH}`] });
  });

  test('does not where there is none better, or none now', async () => {
    const { opening, tried } = await open([REFUSED], { instead: async () => undefined });
    expect(tried).toHaveLength(1);
    expect(opening).toMatchObject({ failure: { permanent: true, advice: 'advice' } });
    const none = await open([REFUSED], { instead: async () => NO_TOKEN });
    expect(none.opening).toMatchObject({
      peer: PEER,
      failure: { permanent: false, text: 'no token', host: 'mx.test' },
    });
  });

  test('bothers no server where there is no token, or the process is told to end', async () => {
    const none = await open([], { current: async () => NO_TOKEN });
    expect(none).toEqual({
      tried: [],
      opening: { kind: 'failure', greeted: false, failure: { ...NO_TOKEN, host: 'mx.test' } },
    });
    const ending = new AbortController();
    const never = open([], { current: () => new Promise(() => {}) }, ending.signal);
    ending.abort();
    expect((await never).opening).toEqual({ kind: 'failure', greeted: false, failure: INTERRUPTED });
  });
});
