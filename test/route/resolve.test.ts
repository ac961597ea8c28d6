import { describe, expect, test } from 'vitest';
import { parseRelay } from '../../src/config/relay.ts';
import { systemLookup } from '../../src/dns/system.ts';
import type { Destination as AnyDestination } from '../../src/route/plan.ts';
import { addressesOf, type RouteSettings, type RouteWorld, resolveRoute } from '../../src/route/resolve.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

const SETTINGS: RouteSettings = { port: 25, allowLocal: false, limit: 20 };

const worldOf = (zones: MockZones, lookup: RouteWorld['systemLookup'] = async () => []): RouteWorld => ({
  resolver: mockResolver(zones),
  random: () => 0,
  systemLookup: lookup,
});

type Destination = Exclude<AnyDestination, { via: 'local' }>;

const literal = (text: string): Destination => ({ via: 'address', literal: text });
function relay(url: string): Destination {
  const reading = parseRelay(url);
  if ('reason' in reading) throw new Error(reading.reason);
  return { via: 'relay', relay: reading.relay };
}

/** The addresses of all hosts of a destination, or the first failure. */
async function reach(destination: Destination, world: RouteWorld, settings = SETTINGS): Promise<unknown> {
  const resolved = await resolveRoute(destination, settings, world);
  if (resolved.kind === 'failure') return resolved.failure;
  const addresses: unknown[] = [];
  for (const host of resolved.route.hosts) addresses.push(await addressesOf(resolved.route, settings, world)(host));
  return addresses;
}

describe('resolveRoute()', () => {
  test('finds the hosts of a domain, on the port that is set', async () => {
    const world = worldOf({ MX: { 'x.test': ['10 mx.test'] }, A: { 'mx.test': ['192.0.2.1'] } });
    const resolved = await resolveRoute({ via: 'mx', domain: 'x.test' }, { ...SETTINGS, port: 2525 }, world);
    expect(resolved).toEqual({
      kind: 'route',
      route: {
        destination: 'x.test',
        via: 'mx',
        protocol: 'smtp',
        port: 2525,
        hosts: [{ name: 'mx.test', preference: 10, authentic: false }],
      },
    });
    expect(await reach({ via: 'mx', domain: 'x.test' }, world)).toEqual([['192.0.2.1']]);
  });

  test('hands on why a domain has none', async () => {
    const world = worldOf({ MX: { 'null.test': ['0 .'], 'mx.test': ['1 gone.test'] } });
    expect(await reach({ via: 'mx', domain: 'null.test' }, world)).toMatchObject({ status: '5.1.10' });
    expect(await reach({ via: 'mx', domain: 'mx.test' }, world)).toMatchObject([{ status: '5.4.4', scope: 'host' }]);
    const own = { hostname: 'me.test', addresses: [] };
    expect(
      await reach({ via: 'mx', domain: 'me.test' }, worldOf({ A: { 'me.test': [] } }), { ...SETTINGS, own }),
    ).toMatchObject({
      status: '5.4.6',
    });
  });

  test('goes to ourselves where local addresses are allowed', async () => {
    const own = { hostname: 'mx.test', addresses: ['192.0.2.7'] };
    const world = worldOf({ MX: { 'x.test': ['10 mx.test'] }, A: { 'mx.test': ['192.0.2.7'] } });
    const settings = { ...SETTINGS, own };
    expect(await reach({ via: 'mx', domain: 'x.test' }, world, settings)).toMatchObject({ status: '5.4.6' });
    expect(await reach({ via: 'mx', domain: 'x.test' }, world, { ...settings, allowLocal: true })).toEqual([
      ['192.0.2.7'],
    ]);
  });

  test('takes address literals as they are, without DNS (N29)', async () => {
    const world = worldOf({});
    expect(await reach(literal('[192.0.2.1]'), world)).toEqual([['192.0.2.1']]);
    expect(await reach(literal('[IPv6:2001:db8::1]'), world)).toEqual([['2001:db8::1']]);
    expect(await reach(literal('[ipv6:2001:db8::1]'), world)).toEqual([['2001:db8::1']]);
    expect(await reach(literal('[127.0.0.1]'), world, { ...SETTINGS, allowLocal: true })).toEqual([['127.0.0.1']]);
    expect(world.resolver).toHaveProperty('asked', []);
  });

  test('refuses literals that are local, ours or none (N29)', async () => {
    const own = { addresses: ['192.0.2.7'] };
    const bad = [
      '[127.0.0.1]',
      '[IPv6:::1]',
      '[IPv6:fe80::1%eth0]',
      '[IPv6:::ffff:127.0.0.1]',
      '[192.0.2.7]',
      '[0.0.0.0]',
    ];
    const none = ['[1.2.3]', '[x:y]', '[]', '[2001:db8::1]', '[IPv6:192.0.2.1]', '[IPv6:]', '[tag:x]', '192.0.2.1'];
    for (const text of [...bad, ...none]) {
      const failure = await reach(literal(text), worldOf({}), { ...SETTINGS, own });
      expect([text, failure]).toMatchObject([
        text,
        { scope: 'destination', permanent: true, status: '5.1.2', stage: 'resolve' },
      ]);
    }
  });

  test('looks up a relay as the system does, and may find it on this machine', async () => {
    const world = worldOf({}, async () => ['127.0.0.1', '10.0.0.1', '::1', '10.0.0.2']);
    expect(await reach(relay('smtp://localhost'), world)).toEqual([['127.0.0.1', '::1', '10.0.0.1', '10.0.0.2']]);
    expect(world.resolver).toHaveProperty('asked', []);
  });

  test('looks up no address and no path', async () => {
    const world = worldOf({}, () => Promise.reject(new Error('not to be called')));
    expect(await reach(relay('lmtp+unix:/run/lmtp'), world)).toEqual([['/run/lmtp']]);
    expect(await reach(relay('smtp://[::1]:26'), world)).toEqual([['::1']]);
    expect(await reach(relay('smtps://127.0.0.1'), world)).toEqual([['127.0.0.1']]);
  });

  test('gives a relay its protocol, port and TLS', async () => {
    const resolved = await resolveRoute(relay('smtps://ann@mx.test'), SETTINGS, worldOf({}));
    expect(resolved).toMatchObject({
      route: {
        destination: 'smtps://mx.test:465',
        via: 'relay',
        protocol: 'smtp',
        port: 465,
        implicitTls: true,
        tls: 'verify',
      },
    });
    expect(JSON.stringify(resolved)).not.toContain('ann');
  });

  test('defers where a relay is not found, or not in time', async () => {
    const missing = Object.assign(new Error('getaddrinfo ENOTFOUND mx.test'), { code: 'ENOTFOUND' });
    const deferred = (text: string) => [
      expect.objectContaining({ permanent: false, status: '4.4.3', text: expect.stringContaining(text) }),
    ];
    expect(
      await reach(
        relay('smtp://mx.test'),
        worldOf({}, () => Promise.reject(missing)),
      ),
    ).toEqual(deferred('ENOTFOUND'));
    expect(
      await reach(
        relay('smtp://mx.test'),
        worldOf({}, () => new Promise(() => undefined)),
      ),
    ).toEqual(deferred('timed out'));
    expect(await reach(relay('smtp://mx.test'), worldOf({}))).toEqual(deferred('has no address'));
  });
});

test('systemLookup() finds localhost in /etc/hosts', async () => {
  const found = await systemLookup('localhost');
  expect(found.some((address) => address === '127.0.0.1' || address === '::1')).toBe(true);
});
