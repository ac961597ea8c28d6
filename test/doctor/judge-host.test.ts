import { describe, expect, test } from 'vitest';
import { type Demands, judgeBlocked, judgeHost } from '../../src/doctor/judge-host.ts';
import { addressSeen, type HostFacts } from '../../src/doctor/probe.ts';
import type { TlsFacts } from '../../src/mail/result.ts';
import { NO_EXTENSIONS } from '../../src/smtp/extensions.ts';
import { reply } from '../cli/support.ts';

const NOW = Date.UTC(2026, 0, 1);
const DEMANDS: Demands = {
  ...{ host: 'mx.test', port: 25, mode: 'must', check: 'chain', fingerprints: [] },
  ...{ hasLogin: false, isRelay: false, now: NOW },
};
const TLS: TlsFacts = {
  ...{ version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', verified: true },
  ...{ notAfter: '2026-03-02T12:00:00.000Z', fingerprint: 'aa:bb:cc' },
};
const FACTS: HostFacts = {
  address: '192.0.2.1',
  greeting: reply('220 hi'),
  hello: reply('250 mx.test'),
  offersStartTls: true,
  startTls: reply('220 go'),
  extensions: NO_EXTENSIONS,
};

/** The verdict, text and advice of one check, on one line. */
function judged(check: string, facts: Partial<HostFacts>, demands: Partial<Demands> = {}): string | undefined {
  const found = judgeHost({ ...FACTS, ...facts }, { ...DEMANDS, ...demands }).find((each) => each.check === check);
  if (found === undefined) return undefined;
  return `${found.verdict}: ${found.text}${found.advice === undefined ? '' : ` (${found.advice})`}`;
}

describe('judgeHost()', () => {
  const bad = { ...TLS, verified: false, reason: 'it is for "DNS:other.test", not for "mx.test"' };
  const cert = (what: string, tls: TlsFacts, want: string, demands: Partial<Demands> = {}) =>
    test(`judges a certificate ${what}`, () => expect(judged('certificate', { tls }, demands)).toBe(want));
  cert('that is right', TLS, 'ok: the name and the issuer are right, 60 days left');
  cert(
    'that ends soon',
    { ...TLS, notAfter: '2026-01-10T00:00:00.000Z' },
    'warning: the name and the issuer are right, 9 days left (Its operator should renew it)',
  );
  cert(
    'with another name',
    bad,
    'failure: it is for "DNS:other.test", not for "mx.test" (Where you know that it is the right server, pin it: --tls-fingerprint aa:bb:cc)',
  );
  cert(
    'with another name, where any will do',
    bad,
    'ok: not verified: it is for "DNS:other.test", not for "mx.test"; without a policy, any certificate will do',
    { check: 'none' },
  );
  cert('that is pinned', bad, 'ok: it has the fingerprint that is pinned', {
    check: 'pinned',
    fingerprints: ['AABBCC'],
  });
  cert(
    'that is not the pinned one',
    TLS,
    'failure: it does not have the fingerprint that is pinned (Where the server has changed it knowingly, pin aa:bb:cc)',
    { check: 'pinned', fingerprints: ['dd'] },
  );

  test('judges STARTTLS by what is asked for', () => {
    expect(judged('starttls', { tls: TLS })).toBe('ok: TLSv1.3, TLS_AES_256_GCM_SHA384');
    expect(judged('starttls', { offersStartTls: false })).toMatch(
      /^failure: no STARTTLS is offered, and TLS is required/,
    );
    expect(judged('starttls', { offersStartTls: false }, { mode: 'may' })).toMatch(/^warning: no STARTTLS is offered/);
    expect(judged('starttls', {}, { mode: 'never' })).toBe('ok: TLS is not used, as configured');
    const refused = { startTls: reply('454 4.7.0 not now') };
    expect(judged('starttls', refused)).toMatch(/^failure: STARTTLS is refused: 454 4\.7\.0 not now \(Its operator/);
    expect(judged('starttls', refused, { mode: 'may' })).toMatch(/^warning/);
    const trouble = { scope: 'host', permanent: false, stage: 'tls', status: '4.7.5', text: 'TLS failed' } as const;
    expect(judged('starttls', { trouble })).toMatch(/^failure: TLS failed \(Its operator/);
  });

  test('judges a greeting that puts us off', () => {
    expect(judged('greeting', { greeting: reply('421 too busy') })).toMatch(
      /^failure: it turns us away: 421 too busy \(It may take/,
    );
    expect(judged('greeting', { greeting: reply('554 listed') })).toMatch(
      /^failure: .*\(Such a server often has our address/,
    );
    expect(judged('greeting', {})).toBe('ok: 220 hi');
  });

  test('judges AUTH of relays alone', () => {
    const extensions = { ...NO_EXTENSIONS, auth: ['PLAIN', 'LOGIN'] };
    expect(judged('auth', { extensions })).toBeUndefined();
    expect(judged('auth', { extensions }, { isRelay: true, hasLogin: true })).toBe('ok: it offers PLAIN, LOGIN');
    expect(judged('auth', {}, { isRelay: true, hasLogin: true })).toMatch(
      /^failure: there is a login, and it offers no AUTH/,
    );
    expect(judged('auth', {}, { isRelay: true })).toMatch(/^ok: no login/);
    expect(judged('auth', { extensions }, { isRelay: true })).toMatch(/^warning: it offers PLAIN, LOGIN, and no login/);
  });

  test('says of each address why it did not answer', () => {
    const refusals = [{ address: '192.0.2.1', code: 'ECONNREFUSED', reason: 'connection refused' }];
    expect(judgeHost({ refusals }, DEMANDS)).toEqual([
      {
        ...{ check: 'connect', verdict: 'failure', subject: 'mx.test' },
        text: 'nothing answers on port 25: 192.0.2.1: connection refused',
        advice: 'Its operator has to see to it; in the queue, mail for it is tried again',
      },
    ]);
    expect(judgeHost({ refusals }, { ...DEMANDS, isRelay: true })).toMatchObject([
      { advice: 'Check its name and port, and that it is up' },
    ]);
  });
});

describe('judgeBlocked()', () => {
  const silent = { refusals: [{ address: '192.0.2.1', code: 'ETIMEDOUT', reason: 'no answer' }] };
  const closed = { refusals: [{ address: '192.0.2.2', code: 'ECONNREFUSED', reason: 'connection refused' }] };

  const MX = { port: 25, isRelay: false };

  test('suspects the network only where every address of every host is silent', () => {
    expect(judgeBlocked([silent, silent], MX)).toMatchObject({
      verdict: 'failure',
      text: expect.stringMatching(/block/),
    });
    expect(judgeBlocked([silent, closed], MX)).toBeUndefined();
    expect(judgeBlocked([silent, FACTS], MX)).toBeUndefined();
    expect(judgeBlocked([], MX)).toBeUndefined();
    expect(judgeBlocked([silent], MX)?.advice).toMatch(/^Send through a relay/);
    expect(judgeBlocked([silent], { port: 25, isRelay: true })?.advice).toMatch(/^Use its port 465/);
    expect(judgeBlocked([silent], { port: 465, isRelay: true })?.text).not.toMatch(/block/);
  });
});

test('addressSeen() is what the server says, else our own', () => {
  const seen = (line: string, more: Partial<HostFacts> = {}) =>
    addressSeen({ hello: { code: 250, lines: [line] }, localAddress: '10.0.0.4', address: '192.0.2.1', ...more });
  expect(seen('mx.google.com at your service, [203.0.113.7]')).toBe('203.0.113.7');
  expect(seen('mx Hello vm [IPv6:2001:db8::5], nice')).toBe('2001:db8::5');
  expect(seen('mx [192.0.2.1] greets you')).toBe('10.0.0.4');
  expect(seen('mx.test')).toBe('10.0.0.4');
  expect(addressSeen({})).toBeUndefined();
});
