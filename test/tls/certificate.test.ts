import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { hasName, whyRefused } from '../../src/tls/certificate.ts';
import type { TlsPlan } from '../../src/tls/policy.ts';
import { type CertificateWish, createAuthority } from '../support/certificates.ts';

const authority = createAuthority();
afterAll(() => authority.close());

const certificateOf = (wish: CertificateWish): X509Certificate => new X509Certificate(authority.issue(wish).cert);
const chain: TlsPlan = { check: 'chain', names: ['mx.test'], fingerprints: [], ca: 'system', minVersion: 'TLSv1.2' };

describe('hasName() holds a name against the subjectAltName', () => {
  const certificate = certificateOf({
    commonName: 'cn.test',
    names: ['DNS:mx.test', 'DNS:*.wild.test', 'DNS:f*.part.test', 'DNS:*.tld', 'IP:192.0.2.1', 'IP:2001:db8::1'],
  });
  const good = (name: string): void => test(`${name} is had`, () => expect(hasName(certificate, name)).toBe(true));
  const bad = (name: string, why: string): void =>
    test(`${name} is not had: ${why}`, () => expect(hasName(certificate, name)).toBe(false));
  good('mx.test');
  good('MX.Test');
  good('a.wild.test');
  good('192.0.2.1');
  good('[192.0.2.1]');
  good('2001:db8::1');
  good('[IPv6:2001:DB8::1]');
  bad('cn.test', 'the common name does not count');
  bad('a.mx.test', 'a name is not for those below it');
  bad('a.b.wild.test', 'a wildcard is one label');
  bad('wild.test', 'a wildcard is not nothing');
  bad('foo.part.test', 'a wildcard is a whole label');
  bad('any.tld', 'a wildcard is not for a top-level domain');
  bad('192.0.2.2', 'another address');
  bad('', 'no name');
  test('a common name alone is no name', () => {
    expect(hasName(certificateOf({ commonName: 'mx.test' }), 'mx.test')).toBe(false);
  });
});

describe('whyRefused() gives', () => {
  const mx = certificateOf({ names: ['DNS:mx.test'] });
  const { fingerprint256 } = mx;
  const why = (plan: Partial<TlsPlan>, chainError?: string, certificate: X509Certificate | undefined = mx) =>
    whyRefused({ certificate, chainError }, { ...chain, ...plan });

  test('nothing when chain and one of the names are right', () => {
    expect(why({ names: ['other.test', 'mx.test'] })).toBe(undefined);
  });
  test('nothing when the server name is right and no names are asked for', () => {
    expect(why({ names: [], servername: 'mx.test' })).toBe(undefined);
  });
  test('both names when the name is wrong', () => {
    expect(why({ names: ['a.test', 'b.test'] })).toBe('it is for "DNS:mx.test", not for "a.test" or "b.test"');
  });
  test('a reason when there is no name to ask for', () => {
    expect(why({ names: [] })).toBe('it is for "DNS:mx.test", and no name was asked for');
  });
  test('the lack of names when there are none', () => {
    const bare = certificateOf({ commonName: 'mx.test' });
    expect(why({}, undefined, bare)).toBe('it is for no name at all (it has no subjectAltName), not for "mx.test"');
  });
  test('words when the chain is not trusted', () => {
    expect(why({}, 'DEPTH_ZERO_SELF_SIGNED_CERT')).toBe('it is self-signed');
    expect(why({}, 'PATH_LENGTH_EXCEEDED')).toBe('path length exceeded');
    expect(why({}, 'CERT_HAS_EXPIRED')).toMatch(/^it or its issuer has expired; it is valid until \d{4}-\d\d-\d\dT/);
  });
  test('nothing when the fingerprint is pinned, in any spelling and whatever the chain', () => {
    for (const spelling of [fingerprint256, fingerprint256.toLowerCase(), fingerprint256.replaceAll(':', '')]) {
      expect(why({ check: 'pinned', fingerprints: ['00', spelling] }, 'CERT_HAS_EXPIRED')).toBe(undefined);
    }
  });
  test('the fingerprint when another one is pinned, although the chain is right', () => {
    const got = why({ check: 'pinned', fingerprints: ['00'] });
    expect(got).toBe(`its fingerprint is ${fingerprint256.toLowerCase()}`);
  });
  test('a reason when no certificate was shown', () => {
    expect(whyRefused({ certificate: undefined, chainError: undefined }, chain)).toBe(
      'the server showed no certificate',
    );
  });
});
