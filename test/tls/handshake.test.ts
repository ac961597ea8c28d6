import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { ask, type Dialogue, listen, startTls } from '../../src/smtp/dialogue.ts';
import { keyDigest, type TlsaRecord } from '../../src/tls/dane.ts';
import type { TlsPlan } from '../../src/tls/policy.ts';
import { createAuthority, type TestCertificate } from '../support/certificates.ts';
import type { ScriptedServerOptions } from '../support/scripted-server.ts';
import { type Talked, talk } from '../support/talk.ts';

const authority = createAuthority();
afterAll(() => authority.close());

const mx = authority.issue({ commonName: 'mx', names: ['DNS:mx.test', 'DNS:*.wild.test'] });
const other = authority.issue({ names: ['DNS:other.test', 'IP:192.0.2.1'] });
const expired = authority.issue({ names: ['DNS:mx.test'], days: -1 });
const commonNameOnly = authority.issue({ commonName: 'mx.test' });
const selfSigned = authority.issue({ names: ['DNS:mx.test'], selfSigned: true });

const chain: TlsPlan = {
  servername: 'mx.test',
  check: 'chain',
  names: ['mx.test'],
  fingerprints: [],
  ca: authority.ca,
  minVersion: 'TLSv1.2',
};

function* greet(): Dialogue<string> {
  yield* listen('greeting');
  yield* ask('STARTTLS', 'starttls');
  yield* startTls();
  const reply = yield* ask('EHLO again', 'ehlo');
  return reply.lines.join();
}

interface Shaken {
  readonly certificate?: TestCertificate;
  readonly plan?: Partial<TlsPlan>;
  readonly tls?: ScriptedServerOptions['tls'];
  readonly timeout?: number;
}

const CLEAR = 'S: 220 hi\nC: STARTTLS\nS: 220 go';

function shake(script: string, { certificate = mx, plan = {}, tls = {}, timeout = 5 }: Shaken = {}) {
  return talk(script, greet(), {
    server: { tls: { cert: certificate.cert, key: certificate.key, ...tls } },
    channel: { tls: { ...chain, ...plan }, timeouts: { tls: timeout } },
  });
}

const goesOn = (shaken: Shaken) => shake(`${CLEAR}\n--: tls\nC: EHLO again\nS: 250 secret`, shaken);
const breaks = (shaken: Shaken, event = '--: tls') => shake(`${CLEAR}\n${event}`, shaken);
const notes = ({ transcript }: Talked<string>): readonly string[] =>
  transcript.filter((line) => /^--: (TLS|cert)/.test(line));

describe('handshake() goes on when', () => {
  const cases: readonly [string, Shaken, RegExp][] = [
    ['chain and name are right', {}, /^--: TLSv1\.3 TLS_\w+, verified$/],
    ['a wildcard has the name', { plan: { names: ['a.wild.test'] } }, /, verified$/],
    ['the server has no more than TLS 1.2', { tls: { maxVersion: 'TLSv1.2' } }, /^--: TLSv1\.2 .*, verified$/],
    [
      'the server asks for a certificate of ours',
      { tls: { requestCert: true, rejectUnauthorized: false } },
      /verified$/,
    ],
    ['the fingerprint is pinned', pin(selfSigned), /, verified$/],
    ['the fingerprint of an expired certificate is pinned', pin(expired), /, verified$/],
    [
      'the target is an address',
      { certificate: other, plan: { servername: '192.0.2.1', names: ['192.0.2.1'] } },
      /, verified$/,
    ],
    ['a TLSA record names it, whatever else is wrong with it', byTlsa(expired), /, verified \(DANE\)$/],
    [
      'a TLSA record names its authority',
      {
        plan: { ...byTlsa(mx).plan, tlsa: [{ ...usage3(mx), usage: 2, data: keyOf(authority.ca) }] },
        tls: { cert: mx.cert + authority.ca },
      },
      /, verified \(DANE\)$/,
    ],
    ['a policy asks for what it is', { plan: { policy: 'mta-sts' } }, /, verified \(MTA-STS\)$/],
    ['nothing is checked', { plan: { check: 'none' } }, /, verified$/],
    [
      'nothing is checked: self-signed',
      { certificate: selfSigned, plan: { check: 'none' } },
      /, not verified: it is self-signed$/,
    ],
    [
      'nothing is checked: expired',
      { certificate: expired, plan: { check: 'none' } },
      /, not verified: it or its issuer has expired; /,
    ],
    [
      'nothing is checked: wrong name',
      { certificate: other, plan: { check: 'none' } },
      /, not verified: it is for .*, not for "mx\.test"$/,
    ],
  ];
  for (const [name, shaken, want] of cases) {
    test(name, async () => {
      const talked = await goesOn(shaken);
      expect(talked.value).toBe('secret');
      expect(notes(talked)[0]).toMatch(want);
    });
  }
});

function pin(certificate: TestCertificate): Shaken {
  return {
    certificate,
    plan: { check: 'pinned', names: [], fingerprints: [certificate.fingerprint.replaceAll(':', '')] },
  };
}

const keyOf = (cert: string): Buffer => Buffer.from(keyDigest(new X509Certificate(cert)), 'hex');
const usage3 = ({ cert }: TestCertificate): TlsaRecord => ({ usage: 3, selector: 1, matching: 1, data: keyOf(cert) });

function byTlsa(certificate: TestCertificate): Shaken {
  return { certificate, plan: { check: 'dane', policy: 'dane', names: ['mx.test'], tlsa: [usage3(certificate)] } };
}

describe('handshake() throws before anything more is sent when', () => {
  const trust = 'Cannot trust certificate of mx.test: ';
  const cases: readonly [string, Shaken, string][] = [
    [
      'the name is another',
      { certificate: other },
      'it is for "DNS:other.test, IP Address:192.0.2.1", not for "mx.test"',
    ],
    [
      'there is only a common name',
      { certificate: commonNameOnly },
      'it is for no name at all (it has no subjectAltName), not for "mx.test"',
    ],
    ['it is self-signed', { certificate: selfSigned }, 'it is self-signed'],
    [
      'no TLSA record names it',
      { plan: { ...byTlsa(mx).plan, tlsa: [{ ...usage3(mx), data: Buffer.alloc(32) }] } },
      'by its TLSA records: no record matches its certificate (fingerprint ',
    ],
    [
      'a TLSA record names its authority, and it is for another name',
      {
        certificate: other,
        plan: { ...byTlsa(mx).plan, tlsa: [{ ...usage3(mx), usage: 2, data: keyOf(authority.ca) }] },
        tls: { cert: other.cert + authority.ca },
      },
      'by its TLSA records: a record of usage 2 matches, and the certificate is not for mx.test',
    ],
    ['it has expired', { certificate: expired }, 'it or its issuer has expired; it is valid until '],
    ['the issuer is not known', { plan: { ca: 'node' } }, 'its issuer is not known'],
    ['the issuer is not known to the system', { plan: { ca: 'system' } }, 'its issuer is not known'],
  ];
  for (const [name, shaken, want] of cases) {
    test(name, async () => {
      const { error } = await breaks(shaken);
      expect(error).toMatchObject({ trouble: 'tls', stage: 'tls' });
      expect(error?.message.slice(0, trust.length + want.length)).toBe(trust + want);
      // So that a person can pin it.
      expect(error?.message).toContain(`(fingerprint ${(shaken.certificate ?? mx).fingerprint})`);
    });
  }

  test('another fingerprint is pinned, although the chain is right', async () => {
    const { error } = await breaks({ plan: { check: 'pinned', fingerprints: ['00:11'] } });
    expect(error).toMatchObject({ trouble: 'tls', message: `${trust}its fingerprint is ${mx.fingerprint}` });
  });

  test('the server has only TLS 1.1', async () => {
    const tls = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const { error } = await breaks({ plan: { check: 'none' }, tls });
    expect(error).toMatchObject({ trouble: 'tls', stage: 'tls' });
    expect(error?.message).toMatch(/^Cannot start TLS with mx\.test: .*protocol/);
  });

  test('the server answers the handshake in the clear', async () => {
    const { error } = await breaks({}, '--: tls-fails');
    expect(error).toMatchObject({ trouble: 'tls', stage: 'tls' });
    expect(error?.message).toBe('Cannot start TLS with mx.test: wrong version number');
  });

  test('the server closes', async () => {
    expect((await breaks({}, '--: close')).error).toMatchObject({ trouble: 'closed', stage: 'tls' });
  });

  test('the server resets', async () => {
    expect((await breaks({}, '--: reset')).error).toMatchObject({ trouble: 'closed', stage: 'tls' });
  });

  test('the server is silent for longer than the limit', async () => {
    const { error } = await breaks({ timeout: 0.05 }, '--: silence');
    expect(error).toMatchObject({ trouble: 'timeout', stage: 'tls' });
  });

  test('the text of the authority has no certificate', async () => {
    const { error } = await breaks({ plan: { ca: 'nonsense' } }, '--: silence');
    expect(error).toMatchObject({ trouble: 'tls', stage: 'tls' });
    expect(error?.message).toBe('Cannot start TLS: the CA text has no certificate');
  });

  test('our own certificate can not be read', async () => {
    const { error } = await breaks({ plan: { cert: 'nonsense' } }, '--: silence');
    expect(error?.message).toMatch(/^Cannot start TLS: .*PEM/);
  });

  test('the server sends a reply behind its 220 in the clear', async () => {
    const { error } = await breaks({}, 'S: 250-AUTH PLAIN\nS: 250 forged\n--: tls');
    expect(error).toMatchObject({ trouble: 'unasked', stage: 'tls' });
  });

  test('the server sends a part of a reply behind its 220 in the clear', async () => {
    const { error } = await breaks({}, 'S: 2\\\n--: tls');
    expect(error).toMatchObject({ trouble: 'unasked', stage: 'tls' });
  });
});

test('handshake() notes what a person wants to know of the certificate', async () => {
  const [, certificate, fingerprint] = notes(await goesOn({}));
  expect(certificate).toMatch(
    /^--: certificate of CN=mx, issued by CN=Test CA, valid until 20\d\d-\d\d-\d\dT[\d:.]+Z$/,
  );
  expect(fingerprint).toBe(`--: certificate fingerprint ${mx.fingerprint}`);
});

test('handshake() shows our certificate when one is configured', async () => {
  const tls = { requestCert: true, rejectUnauthorized: true, ca: authority.ca };
  const own = authority.issue({ commonName: 'client', names: ['DNS:client.test'] });
  const talked = await goesOn({ tls, plan: { cert: own.cert, key: own.key } });
  expect(talked.value).toBe('secret');
});

test('connect() starts TLS at once when it is implicit', async () => {
  const { value, transcript } = await talk('S: 220 hi', listen('greeting'), {
    server: { implicitTls: true, tls: { cert: mx.cert, key: mx.key } },
    implicitTls: chain,
  });
  expect(value).toEqual({ code: 220, lines: ['hi'] });
  expect(transcript[1]).toMatch(/^--: TLSv1\.3 .*, verified$/);
});

test('connect() throws WireError when implicit TLS fails', async () => {
  const { error } = await talk('--: silence', listen('greeting'), {
    server: { implicitTls: true, tls: { cert: other.cert, key: other.key } },
    implicitTls: chain,
  });
  expect(error).toMatchObject({ trouble: 'tls', stage: 'tls' });
});
