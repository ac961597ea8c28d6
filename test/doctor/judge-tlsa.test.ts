import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { FoundTlsa } from '../../src/dns/tlsa.ts';
import { judgeTlsa, type TlsaQuestion } from '../../src/doctor/judge-tlsa.ts';
import { keyDigest } from '../../src/tls/dane.ts';
import { TEST_CERTIFICATE } from '../support/certificate.ts';

const own = new X509Certificate(TEST_CERTIFICATE);
const RIGHT = { usage: 3, selector: 1, matching: 1, data: Buffer.from(keyDigest(own), 'hex') };
const WRONG = { ...RIGHT, data: Buffer.alloc(32) };
const found = (records: readonly (typeof RIGHT)[], authentic = true): FoundTlsa => ({
  ...{ kind: 'found', base: 'mx.example.org', records, authentic },
});
const tls = { version: 'TLSv1.3', cipher: 'x', verified: false };
const question: TlsaQuestion = {
  host: { name: 'mx.example.org', facts: { tls, chain: [own] } },
  ...{ port: 25, domain: 'example.org', isAuthentic: true, now: Date.parse('2026-01-01') },
};
const bare: TlsaQuestion = { ...question, host: { name: 'mx.example.org', facts: { offersStartTls: false } } };
const unseen: TlsaQuestion = { ...question, host: { name: 'mx.example.org', facts: { refusals: [] } } };

const cases: readonly [string, TlsaQuestion, FoundTlsa, string, RegExp | undefined][] = [
  ['nothing published', question, { kind: 'nothing' }, 'ok there are no TLSA records', undefined],
  ['no answer', question, { kind: 'unknown', text: 'SERVFAIL' }, 'unknown SERVFAIL', /until its name servers answer$/],
  [
    'records that are right',
    question,
    found([RIGHT]),
    'ok one TLSA record (3 1 1), and the certificate is as they say, authentic by DNSSEC',
    undefined,
  ],
  [
    'records that are right, and a resolver that does not check',
    question,
    found([WRONG, RIGHT], false),
    'ok 2 TLSA records (3 1 1, 3 1 1), and the certificate is as they say; our resolver does not vouch for them (DNSSEC)',
    /^A resolver on this host that checks DNSSEC/,
  ],
  [
    'records that are right, and an MX that anybody can change',
    { ...question, isAuthentic: false },
    found([RIGHT]),
    'ok one TLSA record (3 1 1), and the certificate is as they say; the MX records of example.org are not authentic, so they do not count',
    undefined,
  ],
  [
    'a record that is wrong',
    question,
    found([WRONG]),
    'failure one TLSA record (3 1 1), and no record matches its certificate: senders that use DANE send nothing to it',
    new RegExp(`mend the record at _25\\._tcp\\.mx\\.example\\.org: .* 3 1 1 ${keyDigest(own)}$`),
  ],
  [
    'a record that is wrong, and a resolver that does not check',
    question,
    found([WRONG], false),
    'warning one TLSA record (3 1 1), and no record matches its certificate: senders that use DANE send nothing to it; our resolver does not vouch for them (DNSSEC)',
    /mend the record/,
  ],
  [
    'records of no use',
    question,
    found([{ ...RIGHT, usage: 1 }]),
    'warning one TLSA record (1 1 1), none of which mail can use',
    /kind 3 1 1/,
  ],
  [
    'no STARTTLS',
    bare,
    found([RIGHT]),
    'failure one TLSA record (3 1 1), and it offers no STARTTLS: senders that use DANE send nothing to it',
    /^Its operator has to switch STARTTLS on$/,
  ],
  [
    'a server that is down',
    unseen,
    found([RIGHT]),
    'unknown one TLSA record (3 1 1), and its certificate was not seen',
    undefined,
  ],
];

describe('judgeTlsa()', () => {
  for (const [name, asked, published, want, advice] of cases) {
    test(`judges ${name}`, () => {
      const finding = judgeTlsa(asked, published);
      expect(`${finding.verdict} ${finding.text}`).toBe(want);
      if (advice === undefined) expect(finding.advice).toBeUndefined();
      else expect(finding.advice).toMatch(advice);
    });
  }
});
