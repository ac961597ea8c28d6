import { describe, expect, test } from 'vitest';
import { type FindAddresses, findAddresses } from '../../src/dns/addresses.ts';
import { type MockZones, mockResolver } from '../support/mock-resolver.ts';

const find = (zones: MockZones, options: Partial<FindAddresses> = {}) =>
  findAddresses('mx.test', mockResolver(zones), { allowLocal: false, resolutionDelay: 10, ...options });

const found = (...addresses: string[]) => ({ kind: 'addresses', addresses, authentic: false });
const failure = (permanent: boolean, status: string, text: string) => ({
  kind: 'failure',
  failure: { scope: 'host', stage: 'resolve', permanent, status, text: expect.stringContaining(text), host: 'mx.test' },
});
const A = (...addresses: string[]) => ({ A: { 'mx.test': addresses } });
const AAAA = (...addresses: string[]) => ({ AAAA: { 'mx.test': addresses } });

describe('findAddresses()', () => {
  test('gives both families in turn, IPv6 first (RFC 8305, section 4; N15)', async () => {
    const zones = { ...A('192.0.2.1', '192.0.2.2', '192.0.2.3'), ...AAAA('2001:db8::1', '2001:db8::2') };
    expect(await find(zones)).toEqual(found('2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '192.0.2.3'));
    expect(await find(A('192.0.2.1'))).toEqual(found('192.0.2.1'));
    expect(await find(AAAA('2001:db8::1'))).toEqual(found('2001:db8::1'));
  });

  test('asks for both at once', async () => {
    const resolver = mockResolver(A('192.0.2.1'));
    const finding = findAddresses('mx.test', resolver, { allowLocal: false });
    expect([...resolver.asked].sort()).toEqual(['A mx.test', 'AAAA mx.test']);
    expect(await finding).toEqual(found('192.0.2.1'));
  });

  test('uses what one family gives where the other fails (N27)', async () => {
    expect(await find({ ...A('192.0.2.1'), missing: ['AAAA mx.test'] })).toEqual(found('192.0.2.1'));
    expect(await find({ ...A('192.0.2.1'), fail: ['AAAA mx.test'] })).toEqual(found('192.0.2.1'));
    expect(await find({ ...AAAA('2001:db8::1'), fail: ['A mx.test'] })).toEqual(found('2001:db8::1'));
  });

  test('does not wait for IPv6 that never comes where IPv4 is there', async () => {
    expect(await find({ ...A('192.0.2.1'), hang: ['AAAA mx.test'] })).toEqual(found('192.0.2.1'));
  });

  test('defers for the host where nothing is known for sure (N05)', async () => {
    expect(await find({ fail: ['A mx.test'] })).toEqual(failure(false, '4.4.3', 'SERVFAIL'));
    expect(await find({ fail: ['AAAA mx.test'] })).toEqual(failure(false, '4.4.3', 'SERVFAIL'));
  });

  test('fails 5.4.4 for the host where there is no address (N08)', async () => {
    expect(await find({})).toEqual(failure(true, '5.4.4', 'host "mx.test" does not exist'));
    expect(await find({ TXT: { 'mx.test': ['x'] } })).toEqual(failure(true, '5.4.4', 'host "mx.test" has no address'));
  });

  test('refuses addresses that are on no other machine (N12)', async () => {
    const local = ['127.0.0.1', '0.0.0.0', '255.255.255.255', '169.254.1.1', '224.0.0.1'];
    for (const address of local) expect(await find(A(address))).toEqual(failure(true, '5.1.2', address));
    const local6 = ['::1', 'fe80::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'];
    for (const address of local6) expect(await find(AAAA(address))).toEqual(failure(true, '5.1.2', address));
    expect(await find(A('127.0.0.1'))).toEqual(failure(true, '5.1.2', 'refused: loopback address 127.0.0.1'));
    expect(await find({ ...A('127.0.0.1', '192.0.2.1'), ...AAAA('::1') })).toEqual(found('192.0.2.1'));
    expect(await find(A('10.0.0.1'))).toEqual(found('10.0.0.1'));
  });

  test('uses them where it is allowed', async () => {
    const zones = { ...A('127.0.0.1'), ...AAAA('::1') };
    expect(await find(zones, { allowLocal: true })).toEqual(found('::1', '127.0.0.1'));
  });

  test('refuses our own addresses', async () => {
    const own = { addresses: ['192.0.2.7', '2001:DB8:0::7'] };
    expect(await find(A('192.0.2.7'), { own })).toEqual(failure(true, '5.4.6', "refused: this host's own address"));
    expect(await find({ ...AAAA('2001:db8::7'), ...A('192.0.2.8') }, { own })).toEqual(found('192.0.2.8'));
  });

  test('is authentic where both families are, and an answer that is missing takes nothing away', async () => {
    const zones = { ...A('192.0.2.1'), ...AAAA('2001:db8::1') };
    expect(await find({ ...zones, authentic: ['A mx.test', 'AAAA mx.test'] })).toMatchObject({ authentic: true });
    expect(await find({ ...zones, authentic: ['A mx.test'] })).toMatchObject({ authentic: false });
    const half = { ...A('192.0.2.1'), fail: ['AAAA mx.test'], authentic: ['A mx.test'] };
    expect(await find(half)).toMatchObject({ authentic: true });
  });
});
