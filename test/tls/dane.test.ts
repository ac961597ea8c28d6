import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { keyDigest, matchesTlsa, type TlsaRecord, usableTlsa, whyNotDane } from '../../src/tls/dane.ts';
import { createAuthority } from '../support/certificates.ts';

const authority = createAuthority();
const stranger = createAuthority();
afterAll(() => {
  authority.close();
  stranger.close();
});

const root = new X509Certificate(authority.ca);
const own = new X509Certificate(authority.issue({ names: ['DNS:mx.test'] }).cert);
const old = new X509Certificate(authority.issue({ names: ['DNS:mx.test'], days: -1 }).cert);
const other = new X509Certificate(stranger.issue({ names: ['DNS:mx.test'] }).cert);
const otherRoot = new X509Certificate(stranger.ca);
const now = Date.parse(own.validFrom) + 1000;

function record(usage: number, selector: number, matching: number, of = own): TlsaRecord {
  const bytes = selector === 1 ? of.publicKey.export({ type: 'spki', format: 'der' }) : of.raw;
  const hash = ['', 'sha256', 'sha512'][matching];
  return { usage, selector, matching, data: hash ? createHash(hash).update(bytes).digest() : Buffer.from(bytes) };
}

const shown = (...chain: readonly X509Certificate[]) => ({ chain, names: ['mx.test'], now });

describe('usableTlsa() keeps the records that mail can use', () => {
  const good = (usage: number, selector: number, matching: number): void =>
    test(`${usage} ${selector} ${matching}`, () => {
      const one = record(usage, selector, matching);
      expect(usableTlsa([one])).toEqual([one]);
    });
  const bad = (name: string, one: TlsaRecord): void =>
    test(`${name} is not kept`, () => expect(usableTlsa([one])).toEqual([]));
  for (const usage of [2, 3])
    for (const selector of [0, 1]) for (const matching of [0, 1, 2]) good(usage, selector, matching);
  bad('usage 0 (PKIX-TA)', record(0, 1, 1));
  bad('usage 1 (PKIX-EE)', record(1, 1, 1));
  bad('usage 255', record(255, 1, 1));
  bad('selector 2', { ...record(3, 1, 1), selector: 2 });
  bad('matching 3', { ...record(3, 1, 1), matching: 3 });
  bad('a digest that is cut short', { ...record(3, 1, 1), data: Buffer.alloc(31) });
  bad('SHA-512 with the length of SHA-256', { ...record(3, 1, 2), data: Buffer.alloc(32) });
  bad('no data', { ...record(3, 1, 0), data: Buffer.alloc(0) });
  bad('a whole certificate that is none', { ...record(2, 0, 0), data: Buffer.from('hello') });
  bad('a whole key that is none', { ...record(3, 1, 0), data: own.raw });

  test('SHA-256 does not count beside SHA-512 of the same kind', () => {
    const [strong, weak, else_] = [record(3, 1, 2), record(3, 1, 1, other), record(2, 1, 1, root)];
    expect(usableTlsa([weak, strong, else_])).toEqual([strong, else_]);
  });
});

describe('whyNotDane() holds a chain against records', () => {
  const good = (name: string, chain: readonly X509Certificate[], ...records: readonly TlsaRecord[]): void =>
    test(`${name} is right`, () => expect(whyNotDane(shown(...chain), records)).toBeUndefined());
  const bad = (name: string, why: RegExp, chain: readonly X509Certificate[], ...records: readonly TlsaRecord[]): void =>
    test(`${name} is wrong`, () => expect(whyNotDane(shown(...chain), records)).toMatch(why));
  const NONE = /^no record matches its certificate/;

  for (const selector of [0, 1]) {
    for (const matching of [0, 1, 2]) {
      good(`3 ${selector} ${matching} of its own`, [own], record(3, selector, matching));
      good(`2 ${selector} ${matching} of its authority, sent`, [own, root], record(2, selector, matching, root));
      bad(`3 ${selector} ${matching} of another`, NONE, [own, root], record(3, selector, matching, otherRoot));
      bad(`2 ${selector} ${matching} of another`, NONE, [own, root], record(2, selector, matching, otherRoot));
    }
  }
  good('one record of several', [own], record(3, 1, 1, other), record(3, 0, 1));
  good('usage 3 with an expired certificate', [old], record(3, 0, 1, old));
  good('2 0 0 where the authority is not sent', [own], record(2, 0, 0, root));
  good('2 1 0 where the authority is not sent', [own], record(2, 1, 0, root));
  good('the authority behind another certificate', [own, otherRoot, root], record(2, 0, 1, root));
  bad('2 0 1 where the authority is not sent', NONE, [own], record(2, 0, 1, root));
  bad('usage 3 of the authority', NONE, [own, root], record(3, 1, 1, root));
  bad('an authority that did not sign', NONE, [other, root], record(2, 0, 1, root));
  bad('an authority whose key did not sign', NONE, [other], record(2, 1, 0, root));
  bad(
    'usage 2 with an expired certificate',
    /^a record matches, and its chain is valid from .* to 20/,
    [old, root],
    record(2, 0, 1, root),
  );
  bad('no certificate', /^the server showed no certificate$/, [], record(3, 1, 1));

  test('a key of an unknown kind matches nothing, and breaks nothing', () => {
    // id-ecPublicKey, with another last number.
    const at = root.raw.indexOf(Buffer.from('06072a8648ce3d0201', 'hex'));
    const bytes = Buffer.from(root.raw);
    bytes.writeUInt8(0x7f, at + 8);
    const strange = new X509Certificate(bytes);
    expect(() => strange.publicKey).toThrow();
    const records = [record(2, 1, 1, root), record(2, 1, 0, otherRoot), record(3, 1, 1, root)];
    expect(whyNotDane(shown(own, strange), records)).toMatch(NONE);
    expect(whyNotDane(shown(strange), records)).toMatch(NONE);
  });

  test('usage 2 wants the name, usage 3 does not', () => {
    const elsewhere = { ...shown(own, root), names: ['mail.test', 'b.test'] };
    const why = 'a record of usage 2 matches, and the certificate is not for mail.test or b.test';
    expect(whyNotDane(elsewhere, [record(2, 0, 1, root)])).toBe(why);
    expect(whyNotDane({ ...elsewhere, names: ['mail.test', 'mail.test', 'b.test'] }, [record(2, 0, 1, root)])).toBe(
      why,
    );
    expect(whyNotDane(elsewhere, [record(3, 0, 1)])).toBeUndefined();
    expect(whyNotDane({ ...elsewhere, names: ['b.test', 'mx.test'] }, [record(2, 0, 1, root)])).toBeUndefined();
  });
});

describe('matchesTlsa()', () => {
  test('names a certificate by its own digest, or its key', () => {
    expect(matchesTlsa({ ...record(3, 1, 1), data: Buffer.from(keyDigest(own), 'hex') }, own)).toBe(true);
    const flipped = Buffer.from(record(3, 0, 1).data);
    flipped.writeUInt8(flipped.readUInt8(31) ^ 1, 31);
    expect(matchesTlsa({ ...record(3, 0, 1), data: flipped }, own)).toBe(false);
  });
});
