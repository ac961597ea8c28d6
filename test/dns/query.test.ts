import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import type { Server } from '../../src/dns/resolv-conf.ts';
import { closeAll, later, resolverOf, start } from '../support/dns-scene.ts';
import { patched, REFUSED, SERVFAIL, silence, type Zones } from '../support/dns-server.ts';

afterEach(closeAll);

const ZONES: Zones = {
  'example.org': { MX: ['10 MX.example.org', '20 b.example.org'], A: ['192.0.2.1'], authentic: true },
  'mx.example.org': { A: ['192.0.2.2', '192.0.2.3'], AAAA: ['2001:db8::2'] },
  '_dmarc.example.org': { TXT: ['v=DMARC1'] },
  'alias.test': { CNAME: 'alias2.test' },
  'alias2.test': { CNAME: 'Example.ORG' },
};

/** A port on loopback where a server was that does not answer. */
async function deadServer(): Promise<Server> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  later(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return { address: '127.0.0.1', port: socket.address().port };
}

describe('createResolver()', () => {
  test('answers each kind of question over UDP, with the AD bit of a loopback server', async () => {
    const dns = await start(ZONES);
    const resolver = resolverOf([dns]);
    expect(await resolver.resolve('Example.org.', 'MX')).toEqual({
      kind: 'found',
      records: [
        { preference: 10, exchange: 'mx.example.org' },
        { preference: 20, exchange: 'b.example.org' },
      ],
      name: 'example.org',
      ttl: 60,
      authentic: true,
    });
    expect(await resolver.resolve('mx.example.org', 'AAAA')).toMatchObject({ records: ['2001:db8::2'] });
    expect(await resolver.resolve('_dmarc.example.org', 'TXT')).toMatchObject({ records: ['v=DMARC1'] });
    expect(dns.log.every((asked) => asked.transport === 'udp' && asked.hasEdns)).toBe(true);
    expect(new Set(dns.log.map((asked) => asked.id)).size).toBeGreaterThan(1);
  });

  test('answers NODATA and NXDOMAIN apart', async () => {
    const resolver = resolverOf([await start(ZONES)]);
    expect(await resolver.resolve('mx.example.org', 'MX')).toEqual({ kind: 'nothing', exists: true, authentic: false });
    expect(await resolver.resolve('no.example.org', 'MX')).toEqual({
      kind: 'nothing',
      exists: false,
      authentic: false,
    });
    expect(await resolver.resolve('org', 'MX')).toMatchObject({ kind: 'nothing', exists: true });
  });

  test('follows CNAMEs in one answer, and asks again where a server stops on the way', async () => {
    const dns = await start(ZONES);
    expect(await resolverOf([dns]).resolve('alias.test', 'MX')).toMatchObject({ kind: 'found', name: 'example.org' });
    expect(dns.log).toHaveLength(1);
    const steps = await start(
      { ...ZONES, 'alias.test': { CNAME: 'far.test' }, 'far.test': { A: ['192.0.2.9'] } },
      {
        // Only the CNAME is left of the answer section.
        alter: (answer, { name }) => [name === 'alias.test' ? firstAnswerOnly(answer) : answer],
      },
    );
    expect(await resolverOf([steps]).resolve('alias.test', 'A')).toMatchObject({
      records: ['192.0.2.9'],
      name: 'far.test',
    });
    expect(steps.log.map((asked) => asked.name)).toEqual(['alias.test', 'far.test']);
  });

  test('finds where an alias leads, itself', async () => {
    const resolver = resolverOf([await start(ZONES)]);
    const found = { kind: 'found', records: ['alias2.test'], name: 'alias.test', ttl: 60, authentic: false };
    expect(await resolver.resolve('alias.test', 'CNAME')).toEqual(found);
    expect(await resolver.resolve('mx.example.org', 'CNAME')).toMatchObject({ kind: 'nothing', exists: true });
  });

  test('ends loops and long chains of CNAMEs', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 18 }, (_, at) => [`c${at}.test`, { CNAME: `c${at + 1}.test` }]),
    );
    const dns = await start({ ...chain, 'a.test': { CNAME: 'b.test' }, 'b.test': { CNAME: 'a.test' } });
    const resolver = resolverOf([dns]);
    expect(await resolver.resolve('a.test', 'A')).toMatchObject({ kind: 'unknown' });
    expect(await resolver.resolve('c0.test', 'A')).toMatchObject({ kind: 'unknown' });
  });

  test('asks over TCP when the answer is truncated, however it is cut (N16)', async () => {
    const many = Array.from({ length: 121 }, (_, at) => `10 a-long-name-for-number-${at}.with-padding.test`);
    for (const chunk of [1, 7, 65_537]) {
      const dns = await start({ 'many.test': { MX: many } }, { chunk: chunk === 1 ? 97 : chunk });
      const answer = await resolverOf([dns]).resolve('many.test', 'MX');
      expect(answer.kind === 'found' && answer.records.length).toBe(121);
      expect(dns.log.map((asked) => asked.transport)).toEqual(['udp', 'tcp']);
    }
  });

  test('asks over TCP at once where it is told to, one octet at a time', async () => {
    const dns = await start(ZONES, { chunk: 1 });
    const resolver = resolverOf([dns], { useTcp: true });
    expect(await resolver.resolve('example.org', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    expect(dns.log.map((asked) => asked.transport)).toEqual(['tcp']);
  });

  test('goes on to the next server after silence, SERVFAIL, REFUSED and malformed answers (N24)', async () => {
    const good = await start(ZONES);
    const bad: Server[] = [
      await start(ZONES, { alter: silence }),
      await start({ 'example.org': { code: SERVFAIL } }),
      await start({ 'example.org': { code: REFUSED } }),
      await start(ZONES, { alter: (answer) => [answer.subarray(0, -3)] }),
      await deadServer(),
      { address: '127.0.0.1', port: 0 },
    ];
    for (const server of bad) {
      const resolver = resolverOf([server, good], { timeout: 40 });
      expect(await resolver.resolve('example.org', 'A')).toMatchObject({ records: ['192.0.2.1'] });
    }
    expect(good.log).toHaveLength(bad.length);
  });

  test('says what each server did when none has an answer', async () => {
    const silent = await start(ZONES, { alter: silence });
    const failing = await start({ 'example.org': { code: SERVFAIL } });
    const resolver = resolverOf([silent, failing], { timeout: 20, attempts: 2 });
    expect(await resolver.resolve('example.org', 'MX')).toEqual({
      kind: 'unknown',
      text: `127.0.0.1:${silent.port} timed out; 127.0.0.1:${failing.port} answered SERVFAIL`,
    });
    expect(silent.log).toHaveLength(2);
    expect(silent.log.map((asked) => asked.hasEdns)).toEqual([true, false]);
  });

  test('is over at its limit, whatever the servers do', async () => {
    const silent = await start(ZONES, { alter: silence });
    const resolver = resolverOf([silent], { timeout: 5000, attempts: 5, limit: 30 });
    expect(await resolver.resolve('example.org', 'MX')).toMatchObject({ kind: 'unknown' });
    expect(silent.log).toHaveLength(1);
  });

  test('asks without EDNS where the server does not know it, and goes on so (N25)', async () => {
    for (const code of [1, 4]) {
      const dns = await start(ZONES, {
        alter: (answer, { hasEdns }) => [
          hasEdns ? patched(answer.subarray(0, 12), 2, [0x80, code, 0, 0, 0, 0, 0, 0, 0, 0]) : answer,
        ],
      });
      const resolver = resolverOf([dns]);
      expect(await resolver.resolve('example.org', 'A')).toMatchObject({ records: ['192.0.2.1'] });
      expect(await resolver.resolve('mx.example.org', 'AAAA')).toMatchObject({ records: ['2001:db8::2'] });
      expect(dns.log.map((asked) => asked.hasEdns)).toEqual([true, false, false]);
    }
  });

  test('ends at once when it is closed', async () => {
    const silent = await start(ZONES, { alter: silence });
    const resolver = resolverOf([silent], { timeout: 60_000, limit: 60_000 });
    const answer = resolver.resolve('example.org', 'MX');
    await new Promise<void>((resolve) => setImmediate(resolve));
    resolver.close();
    expect(await answer).toMatchObject({ kind: 'unknown' });
  });

  test('has at most 16 questions under way (N30)', async () => {
    let running = 0;
    let most = 0;
    const names = Array.from({ length: 300 }, (_, at) => `d${at}.test`);
    const dns = await start(Object.fromEntries(names.map((name) => [name, { A: ['192.0.2.1'] }])), {
      alter: async (answer) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise<void>((resolve) => setImmediate(resolve));
        running -= 1;
        return [answer];
      },
    });
    const resolver = resolverOf([dns]);
    const answers = await Promise.all(names.map((name) => resolver.resolve(name, 'A')));
    expect(answers.every((answer) => answer.kind === 'found')).toBe(true);
    expect(most).toBeLessThanOrEqual(16);
    expect(dns.log).toHaveLength(300);
  });
});

/** Keeps the first record of the answer section, and nothing behind it. */
function firstAnswerOnly(answer: Buffer): Buffer {
  const copy = Buffer.from(answer);
  Buffer.from([0, 1, 0, 0, 0, 0]).copy(copy, 6);
  let at = 12;
  const skip = (): void => {
    while (copy[at] !== 0) {
      if (copy[at]! >= 0xc0) {
        at += 2;
        return;
      }
      at += 1 + copy[at]!;
    }
    at += 1;
  };
  skip();
  at += 4;
  skip();
  at += 10 + copy.readUInt16BE(at + 8);
  return copy.subarray(0, at);
}
