import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dane, openDane } from './dane-scene.ts';
import { outcomes } from './sender.ts';

let dane: Dane;

beforeAll(async () => {
  dane = await openDane();
});
afterAll(() => dane?.close());

const titled = <T>(rows: readonly T[], title: (row: T) => string) => rows.map((row) => [title(row), row] as const);
const nameOf = ({ domain, what }: { readonly domain: string; readonly what: string }) => `${domain}: ${what}`;

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
  { domain: 'alias-out.good.test', postfix: 'Verified', doctor: AS_THEY_SAY },
  { domain: 'alias-out-bad.good.test', postfix: 'Untrusted', doctor: `no record matches its certificate: ${NOT}` },
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

/** Puts the message into the mailbox, with these facts of TLS; null is in the clear. */
interface Reaches {
  readonly domain: string;
  readonly what: string;
  readonly host: string;
  readonly tls: Readonly<Record<string, unknown>> | null;
}

const BY_DANE = { verified: true, policy: 'dane' };
const UNCHECKED = { verified: false };

const REACHES: readonly Reaches[] = [
  {
    domain: 'match.good.test',
    what: 'a record 3 1 1 names its certificate, which is for another name and has expired',
    host: 'mx.match.good.test',
    tls: BY_DANE,
  },
  {
    domain: 'issued.good.test',
    what: 'a record 2 1 1 names the authority, which it sends, and the certificate is for its name',
    host: 'mx.issued.good.test',
    tls: BY_DANE,
  },
  {
    domain: 'second.good.test',
    what: 'the best MX has another certificate than its record says, and the second has the right one',
    host: 'mx.match.good.test',
    tls: BY_DANE,
  },
  {
    domain: 'bogus-second.good.test',
    what: 'the records of the best MX are forged, and the second has good ones',
    host: 'mx.match.good.test',
    tls: BY_DANE,
  },
  {
    domain: 'alias.good.test',
    what: 'the MX is a CNAME, and the records are at its end',
    host: 'mx.alias.good.test',
    tls: BY_DANE,
  },
  {
    domain: 'alias-out.good.test',
    what: 'the MX is a CNAME that leads out of the signed zones, and the records are at the alias',
    host: 'mx.alias-out.good.test',
    tls: BY_DANE,
  },
  { domain: 'many.good.test', what: 'the last of 61 records matches', host: 'mx.many.good.test', tls: BY_DANE },
  {
    domain: 'unusable.good.test',
    what: 'no record is of a kind for mail: TLS, with any certificate',
    host: 'mx.unusable.good.test',
    tls: UNCHECKED,
  },
  {
    domain: 'no-tlsa.good.test',
    what: 'there is no record: in the clear, where it offers no TLS',
    host: 'mx.no-tlsa.good.test',
    tls: null,
  },
  { domain: 'plain.test', what: 'a wrong record, without DNSSEC', host: 'mx.plain.test', tls: UNCHECKED },
  {
    domain: 'clear.plain.test',
    what: 'a record without DNSSEC, and no STARTTLS',
    host: 'mx.clear.plain.test',
    tls: null,
  },
  {
    domain: 'leads-out.good.test',
    what: 'an MX outside of the signed zones',
    host: 'mx.plain.test',
    tls: UNCHECKED,
  },
  {
    domain: 'hosted-bad.plain.test',
    what: 'an MX that nobody has signed leads to a host with a wrong record',
    host: 'mx.mismatch.good.test',
    tls: UNCHECKED,
  },
];

/** Leaves the message for later, and sends nothing of it. */
interface Waits {
  readonly domain: string;
  readonly what: string;
  readonly result: string;
  readonly says: string;
}

const WAITS: readonly Waits[] = [
  {
    domain: 'mismatch.good.test',
    what: 'the record names another certificate',
    result: 'deferred 4.7.5 tls',
    says: 'no record matches its certificate',
  },
  {
    domain: 'no-ca.good.test',
    what: 'a record 2 1 1 names the authority, which it does not send',
    result: 'deferred 4.7.5 tls',
    says: 'nor one that it was issued under',
  },
  {
    domain: 'wrong-name.good.test',
    what: 'a record 2 1 1 names the authority, and the certificate is for another name',
    result: 'deferred 4.7.5 tls',
    says: 'the certificate is not for mx.wrong-name.good.test',
  },
  {
    domain: 'alias-of-bad.good.test',
    what: 'the MX is a CNAME, and the records at its end do not match, but those of the alias would',
    result: 'deferred 4.7.5 tls',
    says: 'no record matches its certificate',
  },
  {
    domain: 'alias-out-bad.good.test',
    what: 'the MX is a CNAME that leads out of the signed zones, and the records at the alias do not match',
    result: 'deferred 4.7.5 tls',
    says: 'no record matches its certificate',
  },
  {
    domain: 'no-starttls.good.test',
    what: 'there is a record, and no STARTTLS',
    result: 'deferred 4.7.4 starttls',
    says: 'STARTTLS is not offered',
  },
  {
    domain: 'unusable-clear.good.test',
    what: 'no record is of a kind for mail, and no STARTTLS',
    result: 'deferred 4.7.4 starttls',
    says: 'STARTTLS is not offered',
  },
  {
    domain: 'bogus-tlsa.good.test',
    what: 'the record is forged, and would match',
    result: 'deferred 4.4.3 resolve',
    says: 'looking up TLSA of "mx.bogus-tlsa.good.test"',
  },
  {
    domain: 'refused-tlsa.good.test',
    what: 'the name server of the record refuses to answer',
    result: 'deferred 4.4.3 resolve',
    says: 'looking up TLSA of "mx.refused-tlsa.good.test"',
  },
  {
    domain: 'bogus.test',
    what: 'the MX is forged',
    result: 'deferred 4.4.3 resolve',
    says: 'looking up MX of "bogus.test"',
  },
  {
    domain: 'good-mx.test',
    what: 'the addresses of the MX are forged',
    result: 'deferred 4.4.3 resolve',
    says: 'looking up addresses of "mx.bogus-mx.test"',
  },
];

describe('posthaste send', () => {
  test.each(titled(REACHES, nameOf))('delivers to %s', async (_, { domain, host, tls }) => {
    const sent = await dane.sender.send({ to: [`bob@${domain}`] });
    expect(outcomes(sent)).toEqual([`bob@${domain} delivered 2.0.0`]);
    expect(sent.status).toBe(0);
    const [recipient] = sent.json.recipients;
    expect(recipient?.host).toBe(host);
    if (tls === null) expect(recipient?.tls).toBeNull();
    else expect(recipient?.tls).toMatchObject(tls);
    expect(recipient?.tls?.policy).toBe(tls?.policy);
    const arrived = (await dane.postfix.mailbox.take()).map(String);
    expect(arrived).toEqual([expect.stringContaining(`Delivered-To: bob@${domain}\n`)]);
    expect(arrived[0]).toMatch(tls === null ? /with ESMTP id/ : /with ESMTPS id/);
  });

  test.each(titled(WAITS, nameOf))('defers for %s', async (_, { domain, result, says }) => {
    const sent = await dane.sender.send({ to: [`bob@${domain}`] });
    const [recipient] = sent.json.recipients;
    expect(`${recipient?.outcome} ${recipient?.status} ${recipient?.stage}`).toBe(result);
    expect(recipient?.error).toContain(says);
    expect(sent.status).toBe(75);
    expect(sent.said.join()).not.toContain('MAIL');
  });

  test('without a name server that validates, no record counts', async () => {
    const sent = await dane.unsafeSender.send({ to: ['bob@mismatch.good.test', 'bob@match.good.test'] });
    expect(sent.status).toBe(0);
    for (const { tls } of sent.json.recipients) expect(tls).toMatchObject(UNCHECKED);
    await dane.postfix.mailbox.take(2);
  });

  test('--tls none leaves it at that', async () => {
    const sent = await dane.sender.send({ to: ['bob@mismatch.good.test'], options: ['--tls', 'none'] });
    expect(outcomes(sent)).toEqual(['bob@mismatch.good.test delivered 2.0.0']);
    await dane.postfix.mailbox.take();
  });

  test('a message that waits is delivered by a later run of the queue, by DANE then, too', async () => {
    const sent = await dane.sender.send({ to: ['bob@match.good.test', 'bob@mismatch.good.test'], options: ['-odq'] });
    expect(sent.status).toBe(0);
    await dane.sender.runQueue();
    const arrived = (await dane.postfix.mailbox.take()).map(String);
    expect(arrived).toEqual([expect.stringContaining('Delivered-To: bob@match.good.test\n')]);
  });

  test('nothing else has arrived', async () => {
    expect(await dane.postfix.mailbox.take(0)).toEqual([]);
  });
});

describe('posthaste doctor judges TLSA as Postfix does', () => {
  test.each(titled(SEEN, ({ domain, postfix }) => `${domain}: ${postfix}`))('%s', async (_, seen) => {
    const { domain, postfix, doctor } = seen;
    const [said, { stdout }] = await Promise.all([
      dane.finger.ask(domain, dane.postfix.port),
      dane.sender.ask('doctor', '--json', `bob@${domain}`),
    ]);
    if (/^(Verified|Untrusted|none)$/.test(postfix)) expect(said).toMatchObject({ level: postfix });
    else expect(said.log).toContain(postfix);
    const { subjects } = JSON.parse(stdout);
    expect(subjects[0].goes).toBe(!WAITS.some((each) => each.domain === domain));
    const found = subjects[0].ways[0].findings.filter(({ check }: { check: string }) => check === 'tlsa');
    expect(found).toMatchObject([{ text: expect.stringContaining(doctor) }]);
  });
});
