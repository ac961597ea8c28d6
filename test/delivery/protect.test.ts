import { describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { parseRelay } from '../../src/config/relay.ts';
import type { TlsSettings } from '../../src/config/settings.ts';
import { type Demand, protect } from '../../src/delivery/protect.ts';

/** How a session with a relay, or without one with an MX host, is protected: `must chain`. */
function protection(
  relay: string | undefined,
  more: { tls?: Partial<TlsSettings>; hasLogin?: boolean; requireTls?: boolean; demand?: Demand } = {},
): string {
  const reading = relay === undefined ? undefined : parseRelay(relay);
  const found = reading !== undefined && 'relay' in reading ? reading.relay : undefined;
  const base = { destination: 'd.test', hosts: [] };
  const { startTls, implicit, plan } = protect({
    settings: { ...DEFAULTS.tls, ...more.tls },
    material: { ca: 'system' },
    route:
      found === undefined
        ? { ...base, via: 'mx', protocol: 'smtp', port: 25 }
        : {
            ...base,
            via: 'relay',
            protocol: found.protocol,
            port: found.port,
            tls: found.tls,
            implicitTls: found.implicitTls,
          },
    host: found?.host ?? 'mx.d.test',
    requireTls: more.requireTls === true,
    hasLogin: more.hasLogin === true,
    demand: more.demand,
  });
  return `${implicit ? 'implicit' : startTls} ${plan.check}${plan.policy === undefined ? '' : ` by ${plan.policy}`}`;
}

describe('protect()', () => {
  test('takes what an MX host offers, and wants a certificate of a relay', () => {
    expect(protection(undefined)).toBe('may none');
    for (const scheme of ['smtp', 'smtp+starttls']) expect(protection(`${scheme}://r.test`)).toBe('must chain');
    expect(protection('smtps://r.test')).toBe('implicit chain');
    expect(protection('lmtp://r.test')).toBe('may none');
  });

  test('wants it of a relay on this machine too, and of any where there is a login', () => {
    expect(protection('smtp://localhost')).toBe('must chain');
    expect(protection('smtp://127.0.0.1', { hasLogin: true })).toBe('must chain');
    expect(protection('smtps://localhost')).toBe('implicit chain');
  });

  test('does as the settings say, and checks a fingerprint wherever there is one', () => {
    expect(protection('smtp://r.test', { tls: { level: 'none' }, hasLogin: true })).toBe('never none');
    expect(protection('smtp://r.test', { tls: { level: 'encrypt' } })).toBe('must none');
    expect(protection(undefined, { tls: { level: 'verify' } })).toBe('must chain');
    expect(protection(undefined, { tls: { fingerprints: ['ab'] } })).toBe('must pinned');
  });

  const dane: Demand = { kind: 'dane', records: [], names: ['base.test', 'mx.d.test', 'd.test'] };

  test('does as the destination publishes', () => {
    expect(protection(undefined, { demand: dane })).toBe('must dane by dane');
    expect(protection(undefined, { demand: { kind: 'encrypt' } })).toBe('must none');
    expect(protection(undefined, { demand: { kind: 'mta-sts' } })).toBe('must chain by mta-sts');
  });

  test('takes TLSA records for as good as an authority where TLS is wanted on the whole way', () => {
    expect(protection(undefined, { requireTls: true })).toBe('must chain');
    expect(protection(undefined, { requireTls: true, demand: dane })).toBe('must dane by dane');
    expect(protection(undefined, { requireTls: true, demand: { kind: 'encrypt' } })).toBe('must chain');
    expect(protection(undefined, { requireTls: true, demand: dane, tls: { fingerprints: ['ab'] } })).toBe(
      'must pinned',
    );
  });
});
