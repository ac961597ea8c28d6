import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openDemands } from '../../src/delivery/demands.ts';
import { ConnectError } from '../../src/net/connection.ts';
import { keyDigest } from '../../src/tls/dane.ts';
import type { PolicyMemory, StsPolicy } from '../../src/tls/mta-sts.ts';
import type { World } from '../../src/world.ts';
import { TEST_CERTIFICATE } from '../support/certificate.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

/* What is published for `d.test`, whose MX is `mx.d.test`, and what binds a session with that. */

const NOW = Date.UTC(2026, 10, 23);
const record = {
  usage: 3,
  selector: 1,
  matching: 1,
  data: Buffer.from(keyDigest(new X509Certificate(TEST_CERTIFICATE)), 'hex'),
};
const TLSA = '_25._tcp.mx.d.test';
const SIGNED = ['A mx.d.test', 'AAAA mx.d.test', `TLSA ${TLSA}`];
const ZONES: MockZones = { A: { 'mx.d.test': ['192.0.2.1'] } };
const POLICY: StsPolicy = { mode: 'enforce', mx: ['mx.d.test'], maxAge: 86_400 };

interface Published {
  readonly zones?: MockZones;
  readonly authentic?: boolean;
  readonly policy?: Partial<StsPolicy>;
  readonly host?: string;
}

/** Remembers one policy, as young as can be, so that nobody is asked for it. */
function memoryOf(policy: StsPolicy): PolicyMemory {
  return {
    recall: () => ({ id: '1', policy, fetched: NOW - 1000 }),
    keep() {},
    failed: () => undefined,
    keepFailure() {},
  };
}

function open({ zones = ZONES, policy }: Published) {
  const sts = policy === undefined ? {} : { TXT: { '_mta-sts.d.test': ['v=STSv1; id=1;'] } };
  const resolver = mockResolver({ ...zones, ...sts });
  const world = {
    resolver,
    now: () => NOW,
    monotonic: () => 0,
    connect: (target) => Promise.reject(new ConnectError(target, [])),
    ...(policy === undefined ? {} : { policies: async () => memoryOf({ ...POLICY, ...policy }) }),
  } as Pick<World, 'resolver' | 'now' | 'monotonic' | 'connect' | 'policies'> as World;
  const network = { ip: 'any', source: [] } as const;
  const demands = openDemands(
    { domain: 'd.test', mxPort: 25, network, material: { ca: 'system' }, allowLocal: true },
    world,
  );
  return { demands, resolver };
}

async function demand({ host = 'mx.d.test', authentic = true, ...published }: Published) {
  const asked = await open(published).demands.of({ name: host, preference: 10, authentic });
  return 'scope' in asked ? asked : asked.demand;
}

describe('TLSA records', () => {
  const signed = (more: MockZones = {}): MockZones => ({
    ...ZONES,
    TLSA: { [TLSA]: [record] },
    authentic: SIGNED,
    ...more,
  });

  test('bind a session with a host where all of the way to them is signed', async () => {
    expect(await demand({ zones: signed() })).toEqual({
      kind: 'dane',
      records: [record],
      names: ['mx.d.test', 'mx.d.test', 'd.test'],
    });
  });

  const unsigned: readonly (readonly [string, Published])[] = [
    ['the MX record is not signed', { zones: signed(), authentic: false }],
    ['an address is not signed', { zones: signed({ authentic: [`TLSA ${TLSA}`, 'AAAA mx.d.test'] }) }],
    ['they are not signed themselves', { zones: signed({ authentic: SIGNED.slice(0, 2) }) }],
    ['there are none', { zones: signed({ TLSA: {} }) }],
  ];
  test.each(unsigned)('count for nothing where %s', async (_why, published) => {
    expect(await demand(published)).toBeUndefined();
  });

  test('are not even asked for where the addresses are not signed', async () => {
    const { demands, resolver } = open({ zones: signed({ authentic: [] }) });
    await demands.of({ name: 'mx.d.test', preference: 0, authentic: true });
    expect(resolver.asked.filter((question) => question.startsWith('TLSA'))).toEqual([]);
  });

  describe('of an alias that leads out of the signed zones', () => {
    const alias = (authentic: readonly string[], fail: readonly string[] = []): MockZones =>
      signed({ CNAME: { 'mx.d.test': ['mx.host.test'] }, authentic: [`TLSA ${TLSA}`, ...authentic], fail });

    test('bind where the alias is signed', async () => {
      expect(await demand({ zones: alias(['CNAME mx.d.test']) })).toEqual({
        ...{ kind: 'dane', records: [record] },
        names: ['mx.d.test', 'mx.d.test', 'd.test'],
      });
    });

    test('count for nothing where it is not', async () => {
      expect(await demand({ zones: alias([]) })).toBeUndefined();
    });

    test('keep the host from being used where nobody can tell', async () => {
      expect(await demand({ zones: alias([], ['CNAME mx.d.test']) })).toMatchObject({
        ...{ scope: 'host', permanent: false, status: '4.4.3' },
        text: 'looking up CNAME of "mx.d.test": 192.0.2.53 answered SERVFAIL',
      });
    });
  });

  test('that nobody can use want TLS, and no certificate', async () => {
    const zones = signed({
      TLSA: {
        [TLSA]: [
          { ...record, usage: 1 },
          { ...record, data: Buffer.from('00', 'hex') },
        ],
      },
    });
    expect(await demand({ zones })).toEqual({ kind: 'encrypt' });
    // More than that is what a policy wants.
    expect(await demand({ zones, policy: {} })).toEqual({ kind: 'mta-sts' });
    expect(await demand({ zones, policy: { mode: 'testing' } })).toEqual({ kind: 'encrypt' });
  });

  test('that nobody can tell of keep the host from being used', async () => {
    expect(await demand({ zones: signed({ fail: [`TLSA ${TLSA}`] }) })).toMatchObject({
      ...{ scope: 'host', permanent: false, stage: 'resolve', status: '4.4.3' },
      text: 'looking up TLSA of "mx.d.test": 192.0.2.53 answered SERVFAIL',
    });
  });

  test('are not turned off by an answer for AAAA that never comes', async () => {
    expect(await demand({ zones: signed({ fail: ['AAAA mx.d.test'] }) })).toMatchObject({ kind: 'dane' });
  });

  test('count more than a policy', async () => {
    expect(await demand({ zones: signed(), policy: { mx: ['other.test'] } })).toMatchObject({ kind: 'dane' });
  });
});

describe('a policy', () => {
  test('that is enforced wants a valid certificate of the hosts that it names, and no others', async () => {
    expect(await demand({ policy: {} })).toEqual({ kind: 'mta-sts' });
    expect(await demand({ policy: { mx: ['*.d.test'] } })).toEqual({ kind: 'mta-sts' });
    expect(await demand({ policy: { mx: ['mx2.d.test'] } })).toMatchObject({
      ...{ scope: 'host', permanent: false, stage: 'resolve', status: '4.7.5' },
      text: 'the MTA-STS policy of "d.test" does not name it',
    });
  });

  test('that is tested, or none, asks for nothing', async () => {
    for (const mode of ['testing', 'none'] as const) {
      expect(await demand({ policy: { mode, mx: ['other.test'] } })).toBeUndefined();
    }
    expect(await demand({})).toBeUndefined();
  });

  test('makes sure of the hosts only where it is enforced', async () => {
    expect(await open({ policy: {} }).demands.isEnforced()).toBe(true);
    expect(await open({ policy: { mode: 'testing' } }).demands.isEnforced()).toBe(false);
    expect(await open({}).demands.isEnforced()).toBe(false);
  });
});
