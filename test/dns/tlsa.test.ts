import { describe, expect, test } from 'vitest';
import type { Resolver } from '../../src/dns/resolver.ts';
import { findTlsa } from '../../src/dns/tlsa.ts';
import { mockResolver } from '../support/mock-resolver.ts';

const RECORD = { usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32) };
const HOST = { name: 'mx.test', port: 25 };

/** The host is another name for `end.test`. */
const withAlias = (resolver: Resolver, authentic: boolean): Resolver => ({
  async resolve(name, type) {
    const answer = await resolver.resolve(name, type);
    return name === 'mx.test' && answer.kind === 'found' ? { ...answer, name: 'end.test', authentic } : answer;
  },
});

describe('findTlsa()', () => {
  const zones = { A: { 'mx.test': ['192.0.2.1'] }, TLSA: { '_25._tcp.mx.test': [RECORD] } };

  test('finds the records of a port of the host', async () => {
    const resolver = mockResolver({ ...zones, authentic: ['TLSA _25._tcp.mx.test'] });
    const found = { kind: 'found', records: [RECORD], base: 'mx.test', authentic: true };
    expect(await findTlsa(HOST, resolver)).toEqual(found);
    expect(await findTlsa({ ...HOST, port: 465 }, resolver)).toEqual({ kind: 'nothing' });
  });

  test('asks at the end of authentic CNAMEs first, and at no other', async () => {
    const both = { ...zones, TLSA: { ...zones.TLSA, '_25._tcp.end.test': [RECORD, RECORD] } };
    expect(await findTlsa(HOST, withAlias(mockResolver(both), true))).toMatchObject({ base: 'end.test' });
    expect(await findTlsa(HOST, withAlias(mockResolver(both), false))).toMatchObject({ base: 'mx.test' });
    expect(await findTlsa(HOST, withAlias(mockResolver(zones), true))).toMatchObject({ base: 'mx.test' });
  });

  test('does not know where name servers fail', async () => {
    const resolver = mockResolver({ ...zones, fail: ['TLSA _25._tcp.mx.test'] });
    expect(await findTlsa(HOST, resolver)).toEqual({ kind: 'unknown', text: '192.0.2.53 answered SERVFAIL' });
  });
});
