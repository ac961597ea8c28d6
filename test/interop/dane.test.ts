import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dane, openDane } from './dane-scene.ts';

let dane: Dane;

beforeAll(async () => {
  dane = await openDane();
});
afterAll(() => dane?.close());

/** What Postfix's client and `posthaste doctor` say of the mail server of a domain. */
interface Seen {
  readonly domain: string;
  /** What posttls-finger calls its TLS, or why there is none. */
  readonly postfix: string;
  /** Of the doctor's finding about TLSA. */
  readonly doctor: string;
}

const AS_THEY_SAY = 'and the certificate is as they say, authentic by DNSSEC';
const NOT = 'senders that use DANE send nothing to it';

const SEEN: readonly Seen[] = [
  { domain: 'match.good.test', postfix: 'Verified', doctor: `one TLSA record (3 1 1), ${AS_THEY_SAY}` },
  { domain: 'issued.good.test', postfix: 'Verified', doctor: `one TLSA record (2 1 1), ${AS_THEY_SAY}` },
  { domain: 'alias.good.test', postfix: 'Verified', doctor: AS_THEY_SAY },
  {
    domain: 'many.good.test',
    postfix: 'Verified',
    doctor: `61 TLSA records (3 1 1, 3 1 1, 3 1 1, 3 1 1, 3 1 1), ${AS_THEY_SAY}`,
  },
  { domain: 'mismatch.good.test', postfix: 'Untrusted', doctor: `no record matches its certificate: ${NOT}` },
  { domain: 'no-ca.good.test', postfix: 'Untrusted', doctor: `nor one that it was issued under: ${NOT}` },
  {
    domain: 'wrong-name.good.test',
    postfix: 'Untrusted',
    doctor: 'the certificate is not for mx.wrong-name.good.test',
  },
  { domain: 'alias-of-bad.good.test', postfix: 'Untrusted', doctor: `no record matches its certificate: ${NOT}` },
  {
    domain: 'unusable.good.test',
    postfix: 'Untrusted',
    doctor: 'none of which mail can use',
  },
  { domain: 'plain.test', postfix: 'Untrusted', doctor: 'our resolver does not vouch for them (DNSSEC)' },
  { domain: 'no-starttls.good.test', postfix: 'none', doctor: `it offers no STARTTLS: ${NOT}` },
  { domain: 'no-tlsa.good.test', postfix: 'none', doctor: 'there are no TLSA records' },
  { domain: 'bogus-tlsa.good.test', postfix: 'TLSA lookup error', doctor: 'answered SERVFAIL' },
  { domain: 'refused-tlsa.good.test', postfix: 'TLSA lookup error', doctor: 'answered SERVFAIL' },
];

describe('posthaste doctor judges TLSA as Postfix does', () => {
  test.each(SEEN)('$domain: $postfix', async ({ domain, postfix, doctor }) => {
    const [said, { stdout }] = await Promise.all([
      dane.finger.ask(domain, dane.postfix.port),
      dane.sender.ask('doctor', '--json', `bob@${domain}`),
    ]);
    if (/^(Verified|Untrusted|none)$/.test(postfix)) expect(said).toMatchObject({ level: postfix });
    else expect(said.log).toContain(postfix);
    const { subjects } = JSON.parse(stdout);
    const found = subjects[0].ways[0].findings.filter(({ check }: { check: string }) => check === 'tlsa');
    expect(found).toMatchObject([{ text: expect.stringContaining(doctor) }]);
  });
});
