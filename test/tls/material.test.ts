import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { whyNoCertificate, whyNoKey } from '../../src/tls/material.ts';
import { createAuthority } from '../support/certificates.ts';

const authority = createAuthority();
afterAll(() => authority.close());

const { cert, key } = authority.issue({ names: ['DNS:a.test'] });
const other = authority.issue({ names: ['DNS:b.test'] });
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

describe('whyNoCertificate() gives', () => {
  const good = (name: string, pem: string) =>
    test(`nothing for ${name}`, () => expect(whyNoCertificate(pem)).toBe(undefined));
  const bad = (name: string, pem: string) =>
    test(`a reason for ${name}`, () => expect(whyNoCertificate(pem)).toMatch('no certificate'));
  good('one', cert);
  good('several, with words between them', `the first\n${cert}the second\n${other.cert}`);
  good('one with its key before it', key + cert);
  bad('nothing', '');
  bad('other text', 'garbage\n');
  bad('a key', key);
  bad('half of one', cert.slice(0, 200));
});

describe('whyNoKey() gives', () => {
  const good = (name: string, pem: string) =>
    test(`nothing for ${name}`, () => expect(whyNoKey(pem, cert)).toBe(undefined));
  const bad = (name: string, pem: string, why: string) =>
    test(`a reason for ${name}`, () => expect(whyNoKey(pem, cert)).toBe(why));
  const closed = createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  good('the key', key);
  good('the key in one file with its certificate', cert + key);
  bad(
    'the key of another',
    otherKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'it is the key of another certificate',
  );
  bad('a certificate alone', cert, 'it has no private key in PEM');
  bad(
    'a public key',
    createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    'it has no private key in PEM',
  );
  bad('a key with a passphrase', closed.toString(), 'it is closed with a passphrase');
});
