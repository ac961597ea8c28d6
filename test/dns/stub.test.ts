import { describe, expect, test } from 'vitest';
import type { ServerReply, WireRecord } from '../../src/dns/answer.ts';
import type { Asked } from '../../src/dns/ask.ts';
import { createStub } from '../../src/dns/stub.ts';

const address = (name: string, data = '192.0.2.1', ttl = 60): WireRecord => ({ type: 'A', name, ttl, data });
const alias = (name: string, data: string, ttl = 60): WireRecord => ({ type: 'CNAME', name, ttl, data });
const said = (facts: Partial<ServerReply>, authentic = false): Asked => ({
  kind: 'reply',
  authentic,
  reply: {
    code: 0,
    isAuthoritative: true,
    canRecurse: true,
    isAuthentic: authentic,
    records: [],
    authorities: 0,
    ...facts,
  },
});

function stubOf(answers: Readonly<Record<string, Asked>>) {
  const asked: string[] = [];
  let clock = 0;
  const stub = createStub({
    limit: 1000,
    now: () => clock,
    async ask({ name }, deadline) {
      asked.push(name);
      expect(deadline).toBe(clock + 1000);
      return answers[name] ?? said({ code: 3 });
    },
  });
  return {
    asked,
    resolve: (name: string) => stub.resolve(name, 'A'),
    wait(seconds: number) {
      clock += seconds * 1000;
    },
  };
}

describe('resolve()', () => {
  test('takes only records of the chain that starts at the question (N19)', async () => {
    const records = [
      address('other.test', '192.0.2.66'),
      alias('a.test', 'b.test'),
      alias('x.test', 'y.test'),
      address('b.test', '192.0.2.2'),
      address('y.test', '192.0.2.67'),
    ];
    expect(await stubOf({ 'a.test': said({ records }) }).resolve('A.test')).toEqual({
      kind: 'found',
      records: ['192.0.2.2'],
      name: 'b.test',
      ttl: 60,
      authentic: false,
    });
    expect(await stubOf({ 'z.test': said({ records }) }).resolve('z.test')).toMatchObject({
      kind: 'nothing',
      exists: true,
    });
  });

  test('asks for the end of a chain, and is authentic only where each step is', async () => {
    const { resolve, asked } = stubOf({
      'a.test': said({ records: [alias('a.test', 'b.test', 30)] }, true),
      'b.test': said({ records: [address('b.test')] }, false),
    });
    expect(await resolve('a.test')).toMatchObject({
      records: ['192.0.2.1'],
      name: 'b.test',
      ttl: 30,
      authentic: false,
    });
    expect(asked).toEqual(['a.test', 'b.test']);
  });

  test('believes NXDOMAIN at the end of a chain, and a missing name that can be none', async () => {
    const { resolve, asked } = stubOf({
      'a.test': said({ code: 3, records: [alias('a.test', 'gone.test')] }),
      'root.test': said({ records: [alias('root.test', '')] }),
    });
    expect(await resolve('a.test')).toMatchObject({ kind: 'nothing', exists: false });
    expect(await resolve('root.test')).toMatchObject({ kind: 'nothing', exists: false });
    expect(asked).toEqual(['a.test', 'root.test']);
  });

  test('ends chains of more than ten CNAMEs and loops over several questions', async () => {
    const steps = Array.from({ length: 30 }, (_, at) => [
      `c${at}.test`,
      said({ records: [alias(`c${at}.test`, `c${at + 1}.test`)] }),
    ]);
    const { resolve, asked } = stubOf({
      ...Object.fromEntries(steps),
      'a.test': said({ records: [alias('a.test', 'b.test')] }),
      'b.test': said({ records: [alias('b.test', 'a.test')] }),
      'self.test': said({ records: [alias('self.test', 'self.test')] }),
    });
    expect(await resolve('c0.test')).toEqual({ kind: 'unknown', text: 'the chain of CNAMEs is too long' });
    expect(asked).toHaveLength(11);
    expect(await resolve('a.test')).toEqual({ kind: 'unknown', text: 'the CNAMEs go round in a loop' });
    expect(await resolve('self.test')).toEqual({ kind: 'unknown', text: 'the CNAMEs go round in a loop' });
  });

  test('remembers an answer by the smallest TTL of its chain, and counts it down (N26)', async () => {
    const records = [alias('a.test', 'b.test', 20), address('b.test', '192.0.2.1', 300)];
    const { resolve, asked, wait } = stubOf({ 'a.test': said({ records }) });
    expect(await resolve('a.test')).toMatchObject({ ttl: 20 });
    wait(19);
    expect(await resolve('a.test')).toMatchObject({ ttl: 1 });
    expect(asked).toHaveLength(1);
    wait(1);
    await resolve('a.test');
    expect(asked).toHaveLength(2);
  });

  test('does not remember a TTL of 0, nor one that is endless for longer than an hour (N26)', async () => {
    const { resolve, asked, wait } = stubOf({
      'zero.test': said({ records: [address('zero.test', '192.0.2.1', 0)] }),
      'ever.test': said({ records: [address('ever.test', '192.0.2.1', 0x7fffffff)] }),
    });
    await resolve('zero.test');
    await resolve('zero.test');
    expect(asked).toHaveLength(2);
    expect(await resolve('ever.test')).toMatchObject({ ttl: 3600 });
    wait(3600);
    await resolve('ever.test');
    expect(asked).toHaveLength(4);
  });

  test('remembers absence by the SOA, at most five minutes, and a failure for five seconds (N26)', async () => {
    const { resolve, asked, wait } = stubOf({
      'gone.test': said({ code: 3, negativeTtl: 86_400 }),
      'loose.test': said({ code: 3 }),
      'down.test': { kind: 'unknown', text: 'timed out' },
    });
    const twice = async (name: string, seconds: number): Promise<number> => {
      asked.length = 0;
      await resolve(name);
      wait(seconds);
      await resolve(name);
      return asked.length;
    };
    expect(await twice('gone.test', 299)).toBe(1);
    expect(await twice('gone.test', 300)).toBe(1);
    expect(await twice('loose.test', 0)).toBe(2);
    expect(await twice('down.test', 4)).toBe(1);
    wait(60);
    expect(await twice('down.test', 5)).toBe(2);
  });

  test('shares a question that is under way', async () => {
    const { resolve, asked } = stubOf({ 'a.test': said({ records: [address('a.test')] }) });
    const answers = await Promise.all([resolve('a.test'), resolve('A.TEST.'), resolve('a.test')]);
    expect(asked).toHaveLength(1);
    expect(answers.every((answer) => answer.kind === 'found')).toBe(true);
  });

  test('remembers at most 2,000 answers', async () => {
    const names = Array.from({ length: 2001 }, (_, at) => `d${at}.test`);
    const { resolve, asked } = stubOf(
      Object.fromEntries(names.map((name) => [name, said({ records: [address(name)] })])),
    );
    for (const name of names) await resolve(name);
    await resolve('d2000.test');
    await resolve('d1.test');
    expect(asked).toHaveLength(2001);
    await resolve('d0.test');
    expect(asked).toHaveLength(2002);
  });

  test('asks nobody for a name that can be none (N28)', async () => {
    const { resolve, asked } = stubOf({});
    const names = [
      '',
      '.',
      'a..b',
      '.a',
      `${'a'.repeat(64)}.test`,
      `${'a.'.repeat(127)}a`,
      'ä.test',
      'a b.test',
      'a\r\n.test',
    ];
    for (const name of names) expect(await resolve(name)).toEqual({ kind: 'nothing', exists: false, authentic: false });
    expect(asked).toEqual([]);
  });

  test('asks for numbers and underscores as for any other name (N28)', async () => {
    const { resolve, asked } = stubOf({});
    for (const name of ['1.1', '2130706433', 'under_score.test', 'xn--bcher-kva.test']) await resolve(name);
    expect(asked).toEqual(['1.1', '2130706433', 'under_score.test', 'xn--bcher-kva.test']);
  });
});
