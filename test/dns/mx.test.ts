import { describe, expect, test } from 'vitest';
import { type FindHosts, findHosts } from '../../src/dns/mx.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

const never = (): number => 0.5;

async function hosts(lines: readonly string[], options: Partial<FindHosts> = {}, zones: MockZones = {}) {
  const resolver = mockResolver({ ...zones, MX: { 'example.org': lines } });
  const found = await findHosts('example.org', resolver, { random: never, ...options });
  return found.kind === 'hosts' ? found.hosts.map(({ name, preference }) => `${preference} ${name}`) : found.failure;
}

const failure = (permanent: boolean, status: string, text: string) =>
  expect.objectContaining({
    scope: 'destination',
    stage: 'resolve',
    permanent,
    status,
    text: expect.stringContaining(text),
  });

describe('findHosts()', () => {
  test('gives the hosts by preference, each once, in lower case', async () => {
    const lines = ['20 b.test', '10 A.test.', '30 a.test', '65535 c.test', '0 d.test'];
    expect(await hosts(lines)).toEqual(['0 d.test', '10 a.test', '20 b.test', '65535 c.test']);
  });

  test('shuffles hosts of equal preference by chance, and only those (N14)', async () => {
    const seen = new Set<string>();
    for (const dice of [
      [0.1, 0.2, 0.3, 0.9],
      [0.3, 0.2, 0.1, 0],
      [0.2, 0.9, 0.1, 0.5],
    ]) {
      const values = [...dice];
      const found = await hosts(['10 a.test', '10 b.test', '10 c.test', '5 first.test'], {
        random: () => values.shift() ?? 0,
      });
      expect(found).toContain('5 first.test');
      seen.add(String(found));
    }
    expect([...seen]).toEqual([
      '5 first.test,10 a.test,10 b.test,10 c.test',
      '5 first.test,10 c.test,10 b.test,10 a.test',
      '5 first.test,10 c.test,10 a.test,10 b.test',
    ]);
  });

  test('takes the domain itself where there is no MX (RFC 5321, section 5.1)', async () => {
    const resolver = mockResolver({ A: { 'example.org': ['192.0.2.1'] }, authentic: ['MX example.org'] });
    expect(await findHosts('Example.org.', resolver, { random: never })).toEqual({
      kind: 'hosts',
      hosts: [{ name: 'example.org', preference: 0, authentic: true }],
    });
  });

  test('fails 5.1.2 where the domain does not exist, and asks for no address (N01)', async () => {
    const resolver = mockResolver({});
    const found = await findHosts('gone.test', resolver, { random: never });
    expect(found).toEqual({ kind: 'failure', failure: failure(true, '5.1.2', 'domain "gone.test" does not exist') });
    expect(resolver.asked).toEqual(['MX gone.test']);
  });

  test('fails 5.1.10 at a null MX (RFC 7505)', async () => {
    expect(await hosts(['0 .'])).toEqual(failure(true, '5.1.10', 'accepts no mail'));
    expect(await hosts(['10 .'])).toEqual(failure(true, '5.1.10', 'accepts no mail'));
  });

  test('passes over a null MX among others (N07)', async () => {
    expect(await hosts(['0 .', '10 a.test'])).toEqual(['10 a.test']);
  });

  test('passes over an MX that is an address or no name of a host', async () => {
    const lines = [
      '1 192.0.2.1',
      '2 a/b.test',
      '3 2130706433',
      '4 0x7f',
      '5 a.test',
      '6 "x".test',
      `7 ${'a'.repeat(64)}.test`,
    ];
    expect(await hosts(lines)).toEqual(['5 a.test']);
    expect(await hosts(['1 192.0.2.1'])).toEqual(failure(true, '5.1.2', 'no MX of "example.org" is a host name'));
    expect(await hosts(['1 under_score.test', '2 localhost'])).toEqual(['1 under_score.test', '2 localhost']);
  });

  test('defers 4.4.3 where nothing is known (SERVFAIL, time-out)', async () => {
    const resolver = mockResolver({ fail: ['MX example.org'], A: { 'example.org': ['192.0.2.1'] } });
    expect(await findHosts('example.org', resolver, { random: never })).toEqual({
      kind: 'failure',
      failure: failure(false, '4.4.3', 'SERVFAIL'),
    });
  });

  test('keeps the best twenty hosts (N16)', async () => {
    const found = await hosts(Array.from({ length: 121 }, (_, at) => `${at} m${at}.test`).reverse());
    expect(found).toHaveLength(20);
    expect(found).toContain('19 m19.test');
  });

  test('asks for the addresses of the first two hosts at once', async () => {
    const resolver = mockResolver({ MX: { 'example.org': ['1 a.test', '2 b.test', '3 c.test'] } });
    await findHosts('example.org', resolver, { random: never });
    expect(resolver.asked).toEqual(['MX example.org', 'A a.test', 'AAAA a.test', 'A b.test', 'AAAA b.test']);
  });

  describe('where we are an MX ourselves', () => {
    const own = { hostname: 'Me.test', addresses: ['192.0.2.7'] };

    test('leaves out hosts that are no nearer than our name (RFC 5321, section 5.1)', async () => {
      expect(await hosts(['5 a.test', '10 me.test', '10 b.test', '20 c.test'], { own })).toEqual(['5 a.test']);
      expect(await hosts(['10 me.test', '10 b.test', '20 c.test'], { own })).toEqual(
        failure(true, '5.4.6', 'loops back'),
      );
    });

    test('leaves out hosts that are no nearer than our address', async () => {
      const zones = { A: { 'b.test': ['192.0.2.7'] } };
      expect(await hosts(['5 a.test', '5 b.test', '20 c.test'], { own }, zones)).toEqual(
        failure(true, '5.4.6', 'loops back'),
      );
      expect(await hosts(['5 a.test', '20 b.test'], { own }, { A: { 'a.test': ['192.0.2.8'] } })).toEqual([
        '5 a.test',
        '20 b.test',
      ]);
    });

    test('finds us in the domain itself', async () => {
      const resolver = mockResolver({ A: { 'me.test': ['192.0.2.8'] } });
      const found = await findHosts('me.test', resolver, { random: never, own });
      expect(found).toEqual({ kind: 'failure', failure: failure(true, '5.4.6', 'loops back') });
    });
  });
});
