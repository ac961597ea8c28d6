import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { bindingsOf, signatureHash } from '../../src/tls/binding.ts';
import { createAuthority } from '../support/certificates.ts';
import { scratchFolder } from '../support/spool.ts';

const authority = createAuthority();
afterAll(() => authority.close());

/** A certificate that openssl makes with these words, DER. */
function made(...words: readonly string[]): Buffer {
  const folder = scratchFolder();
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=mx.test', '-days', '3', '-nodes'];
  execFileSync('openssl', ['req', '-x509', '-new', ...subject, ...files, ...words], { stdio: 'pipe' });
  return Buffer.from(new X509Certificate(readFileSync(join(folder, 'cert.pem'))).raw);
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const RSA = ['-newkey', 'rsa:2048'];
const PSS = [...RSA, '-sigopt', 'rsa_padding_mode:pss'];

describe('signatureHash()', () => {
  test.each([
    ['ECDSA with SHA-256', [...EC, '-sha256'], 'sha256'],
    ['ECDSA with SHA-384', [...EC, '-sha384'], 'sha384'],
    ['ECDSA with SHA-512', [...EC, '-sha512'], 'sha512'],
    ['ECDSA with SHA-1', [...EC, '-sha1'], 'sha256'],
    ['RSA with SHA-1', [...RSA, '-sha1'], 'sha256'],
    ['RSA with MD5', [...RSA, '-md5'], 'sha256'],
    ['RSA with SHA-224', [...RSA, '-sha224'], 'sha224'],
    ['RSA with SHA-512', [...RSA, '-sha512'], 'sha512'],
    ['RSASSA-PSS with SHA-384', [...PSS, '-sha384'], 'sha384'],
    ['RSASSA-PSS with SHA-1', [...PSS, '-sha1'], 'sha256'],
    ['Ed25519', ['-newkey', 'ed25519'], undefined],
  ])('of %s', (_, words, want) => {
    expect(signatureHash(made(...words))).toBe(want);
  });

  test('of what is no certificate is none, and never throws', () => {
    const certificate = made(...EC);
    for (let end = 0; end < certificate.length; end += 7)
      expect(signatureHash(certificate.subarray(0, end))).toBe(undefined);
    for (const text of ['30', '3080', '30850000000000', '3003300130', '30053003300106', '3084ffffffff']) {
      expect(signatureHash(Buffer.from(text, 'hex')), text).toBe(undefined);
    }
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: certificate.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (at, octet) => {
          const damaged = Buffer.from(certificate);
          damaged[at] = octet;
          expect([undefined, 'sha224', 'sha256', 'sha384', 'sha512']).toContain(signatureHash(damaged));
        },
      ),
      { seed: 5929, numRuns: 300 },
    );
  });
});

describe('bindingsOf()', () => {
  const certificate = Buffer.from(new X509Certificate(authority.issue({ names: ['DNS:mx.test'] }).cert).raw);
  const asked: unknown[] = [];
  const exportKeyingMaterial = (...words: readonly unknown[]): Buffer => {
    asked.push(...words);
    return Buffer.from('exported');
  };
  const endPoint = { type: 'tls-server-end-point', bytes: createHash('sha256').update(certificate).digest() };

  test('has the exporter of RFC 9266 first, in TLS 1.3', () => {
    expect(bindingsOf({ protocol: 'TLSv1.3', certificate, exportKeyingMaterial })).toEqual([
      { type: 'tls-exporter', bytes: Buffer.from('exported') },
      endPoint,
    ]);
    expect(asked).toEqual([32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)]);
  });

  test('has the certificate alone in TLS 1.2', () => {
    expect(bindingsOf({ protocol: 'TLSv1.2', certificate, exportKeyingMaterial })).toEqual([endPoint]);
  });

  test('has none where nothing can be had', () => {
    const fail = () => {
      throw new Error('the connection is gone');
    };
    expect(bindingsOf({ protocol: 'TLSv1.3', certificate: undefined, exportKeyingMaterial: fail })).toEqual([]);
    expect(bindingsOf({ protocol: null, certificate: made('-newkey', 'ed25519'), exportKeyingMaterial })).toEqual([]);
  });
});
